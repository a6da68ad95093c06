/**
 * A matrix in an order in which people see what belongs together: families of kinds between which
 * tasks move freely, the largest first; in a family, lines in which tasks go from one to the next. What
 * is possible then stands in blocks along the diagonal, above it more than below.
 */
import { VERDICTS, type Verdict } from '../judge/verdict.js';
import { byName } from '../model/natural-order.js';
import type { HostMatrix } from './matrix.js';

/** Hosts that have the same verdicts. */
export interface MatrixGroup {
  /** Places in `names`, by name. */
  readonly hosts: readonly number[];
  /** Families are numbered from 0. */
  readonly family: number;
}

export interface MatrixView {
  readonly names: readonly string[];
  readonly groups: readonly MatrixGroup[];
  /** Place in VERDICTS; from a group to itself: from one of its hosts to another. */
  rank(from: number, to: number): number;
  /** Moves from one host to another, by verdict. */
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly moves: number;
}

const COMPATIBLE = VERDICTS.indexOf('compatible');
const AT_RISK = VERDICTS.indexOf('at-risk');

/** For each kind the first kind of its family; a family holds together by moves without any risk. */
function familiesOf({ size, ranks }: HostMatrix): Int32Array {
  const first = Int32Array.from({ length: size }, () => -1);
  for (let start = 0; start < size; start++) {
    if (first[start] !== -1) continue;
    const waiting = [start];
    first[start] = start;
    for (let kind = waiting.pop(); kind !== undefined; kind = waiting.pop())
      for (let other = 0; other < size; other++) {
        const near =
          ranks[kind * size + other] === COMPATIBLE || ranks[other * size + kind] === COMPATIBLE;
        if (first[other] !== -1 || !near) continue;
        first[other] = start;
        waiting.push(other);
      }
  }
  return first;
}

/** How many kinds tasks of each can go to, and from how many they can come; at a risk, if need be. */
function countWays({ size, ranks }: HostMatrix) {
  const [out, into] = [new Uint32Array(size), new Uint32Array(size)];
  for (let from = 0; from < size; from++)
    for (let to = 0; to < size; to++)
      if ((ranks[from * size + to] as number) <= AT_RISK) {
        out[from] = (out[from] as number) + 1;
        into[to] = (into[to] as number) + 1;
      }
  return { out, into };
}

/**
 * After each kind the next that its tasks can go to, without risk if possible; of several the one from
 * which most others can be reached. Where there is none, a new line begins. `kinds`: those that reach
 * most first.
 */
function lineUp(kinds: readonly number[], { size, ranks }: HostMatrix): number[] {
  const left = new Set(kinds);
  const line: number[] = [];
  const nextOf = (kind: number) => {
    let risky: number | undefined;
    for (const other of left) {
      const rank = ranks[kind * size + other];
      if (rank === COMPATIBLE) return other;
      if (rank === AT_RISK) risky ??= other;
    }
    return risky;
  };
  for (let kind = kinds[0]; kind !== undefined; ) {
    left.delete(kind);
    line.push(kind);
    const [first] = left;
    kind = nextOf(kind) ?? first;
  }
  return line;
}

function hostsByKind(names: readonly string[], { size, kindOf }: HostMatrix): number[][] {
  const hosts: number[][] = Array.from({ length: size }, () => []);
  for (const [host, kind] of kindOf.entries()) hosts[kind]?.push(host);
  for (const members of hosts)
    members.sort((a, b) => byName(names[a] as string, names[b] as string) || a - b);
  return hosts;
}

function countMoves(hosts: readonly (readonly number[])[], { size, ranks }: HostMatrix) {
  const counts = VERDICTS.map(() => 0);
  for (let from = 0; from < size; from++)
    for (let to = 0; to < size; to++) {
      const [here, there] = [hosts[from]?.length ?? 0, hosts[to]?.length ?? 0];
      const rank = ranks[from * size + to] as number;
      counts[rank] = (counts[rank] as number) + here * (from === to ? there - 1 : there);
    }
  return counts;
}

/** Pure, and the same whatever the order in which the hosts came, but for hosts of one name. */
export function viewMatrix(names: readonly string[], matrix: HostMatrix): MatrixView {
  const { size, ranks } = matrix;
  const hosts = hostsByKind(names, matrix);
  const firstName = (kind: number) => names[hosts[kind]?.[0] as number] as string;
  const first = familiesOf(matrix);
  const { out, into } = countWays(matrix);
  const families = new Map<number, number[]>();
  for (let kind = 0; kind < size; kind++) {
    const members = families.get(first[kind] as number) ?? [];
    members.push(kind);
    families.set(first[kind] as number, members);
  }
  const sorted = [...families.values()].map((kinds) => ({
    kinds: lineUp(
      kinds.sort(
        (a, b) =>
          (out[b] as number) - (out[a] as number) ||
          (into[a] as number) - (into[b] as number) ||
          byName(firstName(a), firstName(b)),
      ),
      matrix,
    ),
    hosts: kinds.reduce((sum, kind) => sum + (hosts[kind]?.length ?? 0), 0),
  }));
  sorted.sort(
    (a, b) =>
      b.hosts - a.hosts || byName(firstName(a.kinds[0] as number), firstName(b.kinds[0] as number)),
  );
  const order = sorted.flatMap(({ kinds }) => kinds);
  const counts = countMoves(hosts, matrix);
  return {
    names,
    groups: sorted.flatMap(({ kinds }, family) =>
      kinds.map((kind) => ({ hosts: hosts[kind] as number[], family })),
    ),
    rank: (from, to) => ranks[(order[from] as number) * size + (order[to] as number)] as number,
    counts: Object.fromEntries(
      VERDICTS.map((verdict, rank) => [verdict, counts[rank] as number]),
    ) as Record<Verdict, number>,
    moves: names.length * (names.length - 1),
  };
}
