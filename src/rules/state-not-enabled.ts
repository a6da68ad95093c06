import { componentRow, isLegacyState } from '../catalogue/index.js';
import { type Capabilities, isStateOfOs } from '../model/capabilities.js';
import { bitsOf } from '../model/registers.js';
import { ABSENT, presenceInMask } from '../model/xsave.js';
import { rule } from './rule.js';

function ofHost(host: Capabilities) {
  if (isStateOfOs(host)) return [];
  return bitsOf(host.xsave.offered.value)
    .filter((bit) => !isLegacyState(bit) && presenceInMask(host.xsave.enabled, bit) === ABSENT)
    .map((bit) => componentRow(bit))
    .filter((row) => row !== undefined)
    .map(({ name, linux, enabledBy }) => ({
      severity: 'info' as const,
      component: name,
      facts: { host: host.name, needs: linux === 'yes' ? enabledBy : null },
    }));
}

/**
 * A dump shows what a CPU offers. What Linux would leave off there is no task's concern: AMD Zen 2
 * offers PKRU without protection keys, Bulldozer offers LWP.
 */
export const stateNotEnabled = rule({
  code: 'state-not-enabled',
  reads: ['component'],
  find: ({ from, to }) => [...ofHost(from), ...ofHost(to)],
  sentence: ({ component, facts: { host, needs } }) =>
    `${host} offers ${component} state ` +
    (needs === null
      ? 'that Linux never enables; '
      : `without ${needs.join(' or ')}, so Linux leaves it off; `) +
    'it counts as absent.',
  remedy: 'none',
  severities: ['info'],
  when: 'the dump of a CPU offers state that Linux leaves off',
  meaning: 'It counts as absent: no task under Linux has it.',
  advice: '',
});
