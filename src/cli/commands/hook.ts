import { InputError } from '../../model/errors.js';
import { suggest } from '../../model/suggest.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { HOOKS } from '../specs/hook.js';

const CALLERS: Readonly<Record<string, (args: Arguments) => Promise<void>>> = {
  criu: async (args) => (await import('../criu-stages.js')).runCriuStage(args),
  oci: async (args) => (await import('../oci-hook.js')).runOciHook(args),
  // A restore's own second process.
  guard: async () => (await import('../../enforce/restore-guard.js')).guardRestore(),
};

export const run: Run = async (args) => {
  const [caller] = args.positionals;
  if (caller === undefined)
    throw new InputError('usage', 'CALLER is missing', { remedy: `Hooks: ${HOOKS.join(', ')}.` });
  const call = Object.hasOwn(CALLERS, caller) ? CALLERS[caller] : undefined;
  if (call === undefined)
    throw new InputError('usage', `there is no hook "${caller}"`, {
      remedy: suggest(caller, HOOKS, `Hooks: ${HOOKS.join(', ')}.`),
    });
  await call(args).catch(async (error: unknown) => {
    const { logFailure } = await import('../hook-failure.js');
    logFailure(caller, args, error);
    throw error;
  });
  return 0;
};
