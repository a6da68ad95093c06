/** Features and levels as users name them. */
import { AGREEMENT_NAMES, type AgreementName, isAgreement } from '../baseline/agreement-names.js';
import {
  acceptedSpellings,
  type FeatureName,
  featureRow,
  findFeature,
  LEVELS,
  type LevelName,
} from '../catalogue/index.js';
import { SYNTHETIC_FLAGS } from '../catalogue/synthetic-flags.js';
import { InputError } from '../model/errors.js';
import { isUserVisible } from '../model/prerequisites.js';
import { suggestName } from '../model/suggest.js';

type Spelling = readonly [spelling: string, name: string];

/** What a word may mean beside a feature. */
export interface OtherNames {
  readonly kind: string;
  readonly names: readonly string[];
}

const REQUIRABLE: OtherNames = {
  kind: 'level',
  names: [...LEVELS.map(({ name }) => name), ...AGREEMENT_NAMES],
};

function unknownName(text: string, others: OtherNames | undefined): InputError {
  const flag = SYNTHETIC_FLAGS.find((one) => one.name === text);
  if (flag !== undefined)
    return new InputError(
      'unknown-feature',
      `${text} is a flag of /proc/cpuinfo without a CPUID bit`,
      {
        remedy: `${flag.note} (from ${flag.from}).`,
      },
    );
  const kinds = others === undefined ? 'feature' : `feature or ${others.kind}`;
  const named = (others?.names ?? []).map((name): Spelling => [name, name]);
  return new InputError('unknown-feature', `no ${kinds} is called "${text}"`, {
    remedy: suggestName(
      text,
      [...acceptedSpellings(), ...named],
      '"cpugate show localhost" lists the features of this host.',
    ),
  });
}

/** Throws InputError, with names that are like it. */
export function readFeature(text: string, others?: OtherNames): FeatureName {
  const name = findFeature(text);
  if (name === undefined) throw unknownName(text, others);
  return name;
}

/** A feature that baselines are made of. */
export function readVisibleFeature(text: string): FeatureName {
  return visible(readFeature(text));
}

function visible(name: FeatureName): FeatureName {
  if (!isUserVisible(name))
    throw new InputError('invisible-feature', `${name} is not visible to tasks`, {
      remedy: `It is of class ${featureRow(name).class}; baselines hold what tasks can use.`,
    });
  return name;
}

/** "x86-64-v3", "v3", "one-vendor" and the like, or a feature. */
export function readRequirement(text: string): LevelName | FeatureName | AgreementName {
  const plain = text.toLowerCase().replaceAll('_', '-');
  if (isAgreement(plain)) return plain;
  const level = LEVELS.find(({ name }) => name === plain || name === `x86-64-${plain}`);
  return level?.name ?? visible(readFeature(text, REQUIRABLE));
}
