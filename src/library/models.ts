/** CPU models and levels of x86-64 that have a name; their files come with the library. */
import { openInput } from '../formats/format.js';
import { findProfileName, namedProfile } from '../formats/named-profile.js';
import { PROFILE_INDEX } from '../generated/profile-index.js';
import { InputError } from '../model/errors.js';
import { frozenCopy, giveHost } from './handles.js';
import type { Host, Model } from './shapes.js';

/** Those that readModel takes, by name. */
export function listModels(): readonly Model[] {
  return frozenCopy(
    Object.entries(PROFILE_INDEX).map(([name, { title, aliases }]) => ({ name, title, aliases })),
  );
}

/** A named CPU model as a host: "haswell", "x86-64-v3". Rejects with InputError for others. */
export async function readModel(name: string): Promise<Host> {
  const model = findProfileName(`${name}`);
  if (model === undefined)
    throw new InputError('unknown-model', `there is no CPU model "${name}"`, {
      remedy: '"listModels()" names them.',
    });
  const { MODEL_FILES } = await import('../generated/model-files.js');
  const text = MODEL_FILES[model] as string;
  return giveHost(namedProfile.read(openInput(model, new TextEncoder().encode(text))));
}
