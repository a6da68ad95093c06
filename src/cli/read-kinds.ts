/** From what the user wrote to hosts by kinds that no verdict tells apart. */
import { KindFold } from '../matrix/kinds.js';
import type { Capabilities } from '../model/capabilities.js';
import { type ClusterInput, type ReadOptions, readCluster } from './read-cluster.js';

export interface KindsInput extends ClusterInput {
  readonly fold: KindFold;
  /** A host of each kind, which stands for the others. */
  readonly firsts: readonly Capabilities[];
  /** Of all hosts, in the order of the sources. */
  readonly names: readonly string[];
  /** Number of each host's kind. */
  readonly kindOf: readonly number[];
}

/** Throws InputError as readCluster does. */
export async function readKinds(
  sources: readonly string[],
  options: Pick<ReadOptions, 'skipUnreadable'>,
): Promise<KindsInput> {
  const fold = new KindFold();
  const firsts: Capabilities[] = [];
  const names: string[] = [];
  const kindOf: number[] = [];
  const input = await readCluster(sources, {
    ...options,
    sorter: {
      sort: (host) => {
        const kind = fold.add(host);
        firsts[kind] ??= host;
        return kind;
      },
      take: (name, kind) => {
        names.push(name);
        kindOf.push(kind);
      },
    },
  });
  return { ...input, fold, firsts, names, kindOf };
}
