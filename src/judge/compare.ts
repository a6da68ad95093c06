/**
 * May any task that was started on `from`, seeing all of it or only a mask, be restored on `to`? Worst
 * case over what tasks may have asked their CPU and kept. Pure: two hosts in, one report out.
 */
import { predictCriu } from '../criu/predict.js';
import type { Described } from '../model/capabilities.js';
import type { SeenMask } from '../rules/context.js';
import { type Finding, RULES } from '../rules/index.js';
import { FOR_MACHINES, type Mode } from '../rules/mode-names.js';
import { findingsOf, type Report, type Sides, sidesUnder, weigh, weighForCriu } from './judge.js';

export interface CompareOptions {
  readonly mode?: Mode | `criu:${string}`;
  /** Of the two, those that are named by a cloud's family of machines. */
  readonly families?: readonly string[];
  /** Virtual machines that show the CPU of their host, in the place of tasks; no mode and no mask is of them. */
  readonly isMachine?: boolean;
  /** Features, components and codes whose findings the user takes on himself. */
  readonly allow?: readonly string[];
  /** The tasks were started under it. CRIU knows of no mask: its answer is that without one. */
  readonly mask?: SeenMask;
  /** Both are one record, so that tasks stay where they are. Otherwise two equal hosts are two. */
  readonly isOneRecord?: boolean;
}

function isCriuMode(mode: CompareOptions['mode']): mode is `criu:${string}` {
  return mode?.startsWith('criu:') === true;
}

/** By a mode of ours, or by CRIU's answer, which is about the hosts as they are. */
export function weighIn(
  sides: Sides,
  found: readonly Finding[],
  hosts: readonly [from: Described, to: Described],
  { mode = 'portable', allow = [] }: Pick<CompareOptions, 'mode' | 'allow'>,
): Report {
  if (!isCriuMode(mode)) return weigh(sides, found, { mode, allow });
  const [from, to] = hosts;
  return weighForCriu(
    sides,
    found,
    predictCriu(from.host, to.host, mode.slice('criu:'.length)),
    mode,
  );
}

/** Would a machine with the source's CPU start, and go on, at the target? */
function compareMachines(from: Described, to: Described, { allow = [] }: CompareOptions): Report {
  const sides = { from: from.seen, to: to.seen };
  const context = { ...sides, isMachine: true };
  const found = RULES.filter(({ reads }) => reads.includes('machine')).flatMap((rule) =>
    rule.findings(context),
  );
  return { ...weigh(sides, found, { allow }), mode: FOR_MACHINES };
}

export function compareHosts(from: Described, to: Described, options: CompareOptions = {}): Report {
  if (options.isMachine === true) return compareMachines(from, to, options);
  const sides = {
    ...sidesUnder(from.seen, to.seen, options.mask),
    // A model stands for many machines.
    isOneRecord: options.isOneRecord === true && from.host.kind !== 'model',
  };
  const { families } = options;
  const context = families === undefined ? sides : { ...sides, families };
  return weighIn(sides, findingsOf(context), [from, to], options);
}
