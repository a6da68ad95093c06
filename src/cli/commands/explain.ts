import { acceptedSpellings, type FeatureName, findFeature, ROWS } from '../../catalogue/index.js';
import { SYNTHETIC_FLAGS } from '../../catalogue/synthetic-flags.js';
import { InputError } from '../../model/errors.js';
import { explainJson } from '../../report/json.js';
import type { Run } from '../command.js';
import { describeTerminal } from '../terminal.js';

/** Names that share the most with what was typed. */
function similar(text: string): string[] {
  const plain = text.toLowerCase().replace(/[-_.]/g, '');
  const near = [...acceptedSpellings()].filter(
    ([spelling]) =>
      spelling.includes(plain) ||
      (plain.length > 3 && plain.includes(spelling) && spelling.length > 3),
  );
  const names = new Set<FeatureName>(near.map(([, name]) => name));
  return ROWS.map((row) => row.name)
    .filter((name) => names.has(name))
    .slice(0, 8);
}

function unknownFeature(text: string): InputError {
  const flag = SYNTHETIC_FLAGS.find((one) => one.name === text);
  if (flag !== undefined)
    return new InputError(
      'unknown-feature',
      `${text} is a flag of /proc/cpuinfo without a CPUID bit`,
      {
        remedy: `${flag.note} (from ${flag.from}).`,
      },
    );
  const near = similar(text);
  return new InputError('unknown-feature', `no feature is called "${text}"`, {
    remedy:
      near.length > 0
        ? `Similar: ${near.join(', ')}.`
        : '"cpugate show localhost" lists those of this host.',
  });
}

export const run: Run = async (args) => {
  const wanted = args.positionals[0] ?? '';
  const name = findFeature(wanted);
  if (name === undefined) throw unknownFeature(wanted);
  if (args.flag('json')) process.stdout.write(`${JSON.stringify(explainJson(name), null, 2)}\n`);
  else {
    const { explainText } = await import('../../report/text/explain.js');
    process.stdout.write(explainText(name, describeTerminal(args.flag('color'))));
  }
  return 0;
};
