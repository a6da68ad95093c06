import { isFeatureName } from '../../catalogue/index.js';
import type { Capabilities, CpuDifference } from '../../model/capabilities.js';
import { formatCpuList } from '../../model/cpu-list.js';
import type { Finding, Rule } from '../finding.js';

function effectOf(host: Capabilities, { what, having, others }: CpuDifference): string {
  return (
    `The logical CPUs of ${host.name} differ in ${what}: CPU ${formatCpuList(having)} against CPU ` +
    `${formatCpuList(others)}. A task may have asked any of them; only what all have counts here.`
  );
}

function ofHost(host: Capabilities): Finding[] {
  return host.differences.map((difference) => ({
    code: 'cpus-differ',
    severity: 'risk',
    ...(isFeatureName(difference.what) ? { feature: difference.what } : {}),
    effect: effectOf(host, difference),
    remedy: 'launch-mask',
  }));
}

/**
 * Logical CPUs of one host disagree in something that a task can see (mixed sockets, hybrid parts,
 * firmware on one core). The host counts with the intersection, but a task that asked the better CPU
 * has already seen more.
 */
export const cpusDiffer: Rule = (from, to) => [...ofHost(from), ...ofHost(to)];
