/** Features and levels as users name them. */
import {
  acceptedSpellings,
  type FeatureName,
  featureRow,
  findFeature,
  LEVELS,
  type LevelName,
  ROWS,
} from '../catalogue/index.js';
import { SYNTHETIC_FLAGS } from '../catalogue/synthetic-flags.js';
import { InputError } from '../model/errors.js';
import { isUserVisible } from '../model/prerequisites.js';

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

/** Throws InputError, with names that are like it. */
export function readFeature(text: string): FeatureName {
  const name = findFeature(text);
  if (name === undefined) throw unknownFeature(text);
  return name;
}

/** A feature that baselines are made of. */
export function readVisibleFeature(text: string): FeatureName {
  const name = readFeature(text);
  if (!isUserVisible(name))
    throw new InputError('invisible-feature', `${name} is not visible to tasks`, {
      remedy: `It is of class ${featureRow(name).class}; baselines hold what tasks can use.`,
    });
  return name;
}

/** "x86-64-v3", "v3", or a feature. */
export function readLevelOrFeature(text: string): LevelName | FeatureName {
  const plain = text.toLowerCase().replaceAll('_', '-');
  const level = LEVELS.find(({ name }) => name === plain || name === `x86-64-${plain}`);
  return level?.name ?? readVisibleFeature(text);
}
