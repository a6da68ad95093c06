/** Whether tasks can move: from one host to another, and among many. */
import { compareHosts as compareInner } from '../judge/compare.js';
import { described, describeHost } from '../model/capabilities.js';
import { reportJson } from '../report/json.js';
import { allowArgument, modeArgument, usage } from './arguments.js';
import { frozenCopy, innerBaseline, innerHost } from './handles.js';
import type { CheckReport, CompareOptions, Host, MatrixReport } from './shapes.js';

/**
 * Whether tasks that were started on one host can go on at another, and why not; the answer of
 * `cpugate check --json`. Missing data never becomes a yes. Throws InputError for wrong options.
 */
export function compareHosts(from: Host, to: Host, options: CompareOptions = {}): CheckReport {
  const { mode = 'portable', allow = [], mask, maskName = 'mask' } = options;
  const report = compareInner(described(innerHost(from)), described(innerHost(to)), {
    mode: modeArgument(mode),
    allow: allow.map(allowArgument),
    ...(mask === undefined ? {} : { mask: { ...innerBaseline(mask), name: maskName } }),
  });
  return frozenCopy(reportJson(report));
}

/**
 * The verdict of every move among many hosts; the answer of `cpugate matrix --json`. Takes memory
 * for some bytes a pair of hosts that differ. Rejects with InputError without a host.
 */
export async function compareAll(hosts: readonly Host[]): Promise<MatrixReport> {
  if (hosts.length === 0) throw usage('there is no host', 'Give at least one.');
  const { matrixJson, verdictMatrix, viewMatrix } = await import('./matrix-parts.js');
  const seen = hosts.map((host) => describeHost(innerHost(host)));
  const names = seen.map(({ name }) => name);
  return frozenCopy(matrixJson(viewMatrix(names, verdictMatrix(seen))));
}
