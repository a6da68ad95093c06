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
      throw new InputError(
        'usage',
        `--allow ${name}: there is no such feature or state component`,
        {
          remedy: 'The report names the features and components whose loss can be accepted.',
        },
      );
    return canonical;
  });
}
