import type { Capabilities } from '../../model/capabilities.js';
import { hex } from '../../model/registers.js';
import type { Rule } from '../finding.js';

function identity({ brand, vendor, signature }: Capabilities): string | undefined {
  if (signature === undefined) return undefined;
  const { family, model, stepping } = signature;
  const name = brand ?? (vendor === undefined ? 'unnamed CPU' : `${vendor} CPU`);
  return `${name} (family ${hex(family)}, model ${hex(model)}, stepping ${stepping})`;
}

/** Another model number or name: a task may have read it, and nothing follows from it. */
export const identityDiffers: Rule = (from, to) => {
  const [before, after] = [identity(from), identity(to)];
  if (before === undefined || after === undefined || before === after) return [];
  return [
    {
      code: 'identity-differs',
      severity: 'info',
      effect: `The CPU changes from ${before} to ${after}.`,
      remedy: 'none',
    },
  ];
};
