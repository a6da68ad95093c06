/** What --allow names. */
import { findComponent, findFeature } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';

/** Canonical names of what the user takes on himself; a name that means nothing is an error. */
export function allowedOf(names: readonly string[]): string[] {
  return names.map((name) => {
    const canonical =
      findFeature(name) ??
      findComponent(name)?.name ??
      (name === 'xsave-area' ? 'xsave' : undefined);
    if (canonical === undefined)
      throw new InputError('usage', `--allow ${name}: no feature or state component is called so`, {
        remedy: 'The report names what can be allowed.',
      });
    return canonical;
  });
}
