import { componentRow } from '../../catalogue/index.js';
import { type Capabilities, isStateOfOs } from '../../model/capabilities.js';
import { bitsOf } from '../../model/registers.js';
import { ABSENT, presenceInMask } from '../../model/xsave.js';
import type { Finding, Rule } from '../finding.js';

function ofHost(host: Capabilities): Finding[] {
  if (isStateOfOs(host)) return [];
  return bitsOf(host.xsave.offered.value)
    .filter((bit) => bit >= 2 && presenceInMask(host.xsave.enabled, bit) === ABSENT)
    .map((bit) => componentRow(bit))
    .filter((row) => row !== undefined)
    .map((row) => ({
      code: 'state-not-enabled',
      severity: 'info',
      component: row.name,
      effect:
        `${host.name} offers ${row.name} state ` +
        (row.linux === 'yes'
          ? `without ${row.enabledBy.join(' or ')}, so Linux leaves it off; `
          : 'that Linux never enables; ') +
        'it counts as absent.',
      remedy: 'none',
    }));
}

/**
 * A dump shows what a CPU offers. What Linux would leave off there is no task's concern: AMD Zen 2
 * offers PKRU without protection keys, Bulldozer offers LWP.
 */
export const stateNotEnabled: Rule = (from, to) => [...ofHost(from), ...ofHost(to)];
