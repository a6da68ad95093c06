import type { Capabilities } from '../model/capabilities.js';
import { hex } from '../model/registers.js';
import { rule } from './rule.js';

function identity({ brand, vendor, signature }: Capabilities): string | undefined {
  if (signature === undefined) return undefined;
  const { family, model, stepping } = signature;
  const name = brand ?? (vendor === undefined ? 'unnamed CPU' : `${vendor} CPU`);
  const last = stepping === undefined ? '' : `, stepping ${stepping}`;
  return `${name} (family ${hex(family)}, model ${hex(model)}${last})`;
}

/** Another model number or name: a task may have read it, and nothing follows from it. */
export const identityDiffers = rule({
  code: 'identity-differs',
  reads: ['identity'],
  find: ({ from, to }) => {
    const [before, after] = [identity(from), identity(to)];
    if (before === undefined || after === undefined || before === after) return [];
    return [{ severity: 'info', facts: { before, after } }];
  },
  sentence: ({ facts: { before, after } }) => `The CPU changes from ${before} to ${after}.`,
  remedy: 'none',
  modes: { strict: 'blocker' },
  severities: ['info'],
  when: 'the CPUs have another family, model, stepping or name',
  meaning: 'A task may have read it, and nothing follows from it.',
  advice: '',
});
