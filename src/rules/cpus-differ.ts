import { featureRow, isFeatureName } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { formatCpuList } from '../model/cpu-list.js';
import { BASELINE } from './advice.js';
import type { Context } from './context.js';
import type { Found } from './finding.js';
import { rule } from './rule.js';

/** What modes weigh alike. */
type Kind = 'instructions' | 'feature' | 'number';

type Facts = {
  readonly kind: Kind;
  readonly host: string;
  readonly having: string;
  readonly others: string;
  /** What differs so, all of one kind. */
  readonly what: readonly string[];
};

function kindOf(what: string): Kind {
  if (!isFeatureName(what)) return 'number';
  return featureRow(what).class === 'isa' ? 'instructions' : 'feature';
}

/** One for all of a kind that the same CPUs have. */
function ofHost(host: Capabilities): Found<Facts>[] {
  const groups = new Map<string, Facts>();
  for (const difference of host.differences) {
    const kind = kindOf(difference.what);
    const [having, others] = [difference.having, difference.others].map(formatCpuList) as [
      string,
      string,
    ];
    const key = [kind, having, others].join();
    const what = [...(groups.get(key)?.what ?? []), difference.what];
    groups.set(key, { kind, host: host.name, having, others, what });
  }
  return [...groups.values()].map((facts) => {
    const [first] = facts.what;
    const isOne = facts.what.length === 1 && first !== undefined && isFeatureName(first);
    return { severity: 'risk', ...(isOne ? { feature: first } : {}), facts };
  });
}

/**
 * Logical CPUs of one host disagree in something that a task can see (mixed sockets, hybrid parts,
 * firmware on one core). The host counts with the intersection, but a task that asked the better CPU
 * has already seen more.
 */
export const cpusDiffer = rule({
  code: 'cpus-differ',
  reads: ['cpus'],
  find: ({ from, to }: Context) => [...ofHost(from), ...ofHost(to)],
  sentence: ({ facts: { host, having, others, what } }) =>
    `The logical CPUs of ${host} differ in ${what.join(', ')}: CPU ${having} against CPU ${others}. A task ` +
    'may have asked any of them; only what all have counts here.',
  subject: () => '',
  remedy: 'launch-mask',
  modes: {
    instructions: ({ severity, facts }) => (facts.kind === 'instructions' ? severity : 'info'),
  },
  severities: ['risk'],
  when: 'logical CPUs of one host disagree in something that a task can see',
  meaning:
    'The host counts with what all of its CPUs have. A task that asked the better CPU has seen more.',
  advice: BASELINE,
});
