/** What --allow names. */
import { acceptedSpellings, COMPONENTS, findComponent, findFeature } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';
import { suggestName } from '../model/suggest.js';

const AREA = 'xsave-area';

function* allowable(): Iterable<readonly [string, string]> {
  yield* acceptedSpellings();
  for (const { name } of COMPONENTS) yield [name, name];
  yield [AREA, AREA];
}

/** Canonical names of what the user takes on himself; a name that means nothing is an error. */
export function allowedOf(names: readonly string[]): string[] {
  return names.map((name) => {
    const canonical =
      findFeature(name) ?? findComponent(name)?.name ?? (name === AREA ? 'xsave' : undefined);
    if (canonical === undefined)
      throw new InputError(
        'usage',
        `--allow ${name}: there is no such feature or state component`,
        {
          remedy: suggestName(name, allowable(), 'The report names what can be allowed.'),
        },
      );
    return canonical;
  });
}
