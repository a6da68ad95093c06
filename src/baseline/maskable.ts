/** What --without can ask for. */
import { EVERY_64_BIT_CPU, type FeatureName } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';

/** The feature itself. Throws InputError for what tasks can't be without. */
export function maskable(name: FeatureName): FeatureName {
  if (!EVERY_64_BIT_CPU.includes(name)) return name;
  throw new InputError('not-maskable', `${name} can't be masked`, {
    remedy:
      'Every CPU in long mode has it: programs use it without asking, or end where they see that it is missing. ' +
      'Mask what was added later.',
  });
}
