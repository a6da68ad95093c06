import { lastRefusals, type Refusal } from '../../enforce/refusal-log.js';
import { InputError } from '../../model/errors.js';
import { printable } from '../../model/printable.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { runtimeFolderOf } from '../mask-arguments.js';
import { writeOut } from '../output.js';

function mostOf(args: Arguments): number {
  const given = args.text('last') ?? '1';
  if (/^[1-9]\d{0,5}$/.test(given)) return Number(given);
  throw new InputError('usage', `--last can't be "${given}"`, {
    remedy: 'It is how many refusals are shown: 1 or more.',
  });
}

function textOf({ time, hook, about, text }: Refusal): string {
  const head = `${time} cpugate ${hook}${about === '' ? '' : ` (${about})`}`;
  const lines = [
    head,
    ...text
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

export const run: Run = async (args) => {
  const folder = runtimeFolderOf(args);
  const refusals = lastRefusals(folder, mostOf(args));
  writeOut(
    refusals.length === 0
      ? `No hook has refused anything since the boot (${printable(folder)}).\n`
      : refusals.map(textOf).join('\n'),
  );
  return 0;
};
