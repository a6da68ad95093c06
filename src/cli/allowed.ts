/** What --allow names: all that a finding can be about, and findings themselves. */
import { acceptedSpellings, COMPONENTS } from '../catalogue/index.js';
import { KERNEL_FEATURES } from '../catalogue/synthetic-flags.js';
import { ALLOWED_AREA, allowedName } from '../judge/allowed.js';
import { InputError } from '../model/errors.js';
import { suggestName } from '../model/suggest.js';
import { FINDING_CODES } from '../rules/index.js';

function* allowable(): Iterable<readonly [string, string]> {
  yield* acceptedSpellings();
  for (const { name } of [...COMPONENTS, ...KERNEL_FEATURES]) yield [name, name];
  for (const code of FINDING_CODES) yield [code, code];
  yield [ALLOWED_AREA, ALLOWED_AREA];
}

/** Canonical names of what the user takes on himself; a name that means nothing is an error. */
export function allowedOf(names: readonly string[]): string[] {
  return names.map((name) => {
    const canonical = allowedName(name);
    if (canonical === undefined)
      throw new InputError(
        'usage',
        `--allow ${name}: there is no such feature, state component or finding`,
        {
          remedy: suggestName(name, allowable(), 'The report names what can be allowed.'),
        },
      );
    return canonical;
  });
}
