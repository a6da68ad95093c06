/** Arguments as programs give them, checked: JavaScript has no compiler to do it. */

import type { FeatureName } from '../catalogue/index.js';
import { findFeature as findCanonical } from '../catalogue/index.js';
import { parseCriuCap } from '../criu/cap.js';
import { MAX_INPUT_BYTES } from '../formats/format.js';
import { allowedName } from '../judge/allowed.js';
import { InputError } from '../model/errors.js';
import { isUserVisible } from '../model/prerequisites.js';
import { MODES, type Mode } from '../rules/mode-names.js';

export function usage(message: string, remedy: string): InputError {
  return new InputError('usage', message, { remedy });
}

/** Text is taken as UTF-8. Throws InputError for what is no input, or too much. */
export function bytesOf(input: Uint8Array | string, name: string): Uint8Array {
  if (typeof input !== 'string' && !(input instanceof Uint8Array))
    throw usage(`${name} is neither text nor a Uint8Array`, 'Give what the file holds.');
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  if (bytes.length > MAX_INPUT_BYTES)
    throw new InputError('too-large', `is larger than ${MAX_INPUT_BYTES / 1024 / 1024} MiB`, {
      place: { file: name },
      remedy: 'No dump of a CPU is that large; give the dump itself.',
    });
  return bytes;
}

export function featureArgument(spelling: string): FeatureName {
  const name = findCanonical(`${spelling}`);
  if (name === undefined)
    throw new InputError('unknown-feature', `no feature is called "${spelling}"`, {
      remedy: 'Features are named as in /proc/cpuinfo; spellings of other projects are understood.',
    });
  return name;
}

/** A feature that baselines are made of. */
export function visibleFeatureArgument(spelling: string): FeatureName {
  const name = featureArgument(spelling);
  if (!isUserVisible(name))
    throw new InputError('invisible-feature', `tasks don't see ${name}`, {
      remedy: 'Baselines hold what tasks can use.',
    });
  return name;
}

/** A feature, a state component, or the code of a finding. */
export function allowArgument(name: string): string {
  const canonical = allowedName(`${name}`);
  if (canonical === undefined)
    throw usage(
      `allow: no feature, state component or finding is called "${name}"`,
      'The report names what can be allowed.',
    );
  return canonical;
}

export function modeArgument(mode: string): Mode | `criu:${string}` {
  const found = MODES.find((one) => one === mode);
  if (found !== undefined) return found;
  if (typeof mode !== 'string' || !mode.startsWith('criu:'))
    throw usage(`there is no mode "${mode}"`, `Modes: ${MODES.join(', ')}, criu:CAP.`);
  parseCriuCap(mode.slice('criu:'.length));
  return mode as `criu:${string}`;
}
