/**
 * Where in an archive, or a folder, a dump is, and whose: by the names of what it holds. Engines put
 * CRIU's images in checkpoint/, with the container's settings beside it; docker and CRaC fill the
 * folder itself; people pack any of these, with or without a folder around.
 */
import { RECORD_NAME } from '../../model/dump-record.js';

export type FoundDump =
  | {
      readonly kind: 'dump';
      /** With the images; "" is the archive's own. */
      readonly folder: string;
      /** Of a container, by an engine: the folder with its settings. */
      readonly container: string | undefined;
    }
  /** The CPU is told, and no task is there. */
  | { readonly kind: 'record'; readonly folder: string }
  /** An image of which one layer is an archive. */
  | { readonly kind: 'oci'; readonly folder: string }
  | { readonly kind: 'incomplete'; readonly folder: string }
  | { readonly kind: 'several'; readonly folders: readonly string[] }
  | { readonly kind: 'none' };

/** What CRIU writes long before the inventory, which comes last. */
const REMAINS = /^(?:core-\d+|pagemap-(?:shmem-)?\d+|pages-\d+|pstree|mm-\d+)\.img$/;

/** "checkpoint/core-1.img" → ["checkpoint", "core-1.img"]. */
export function splitName(name: string): [folder: string, file: string] {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? ['', name] : [name.slice(0, slash), name.slice(slash + 1)];
}

export function joinName(folder: string, file: string): string {
  return folder === '' ? file : `${folder}/${file}`;
}

/** Memory alone, of before the dump (podman container checkpoint --pre-checkpoint). */
const isPreDump = (folder: string) => splitName(folder)[1] === 'pre-checkpoint';

function dumpIn(folder: string, names: ReadonlySet<string>): FoundDump {
  const [parent, own] = splitName(folder);
  const isContainer =
    own === 'checkpoint' &&
    ['config.dump', 'spec.dump'].some((file) => names.has(joinName(parent, file)));
  return { kind: 'dump', folder, container: isContainer ? parent : undefined };
}

/** Of the names of all regular files, as walkTar gives them. Pure. */
export function findDump(names: ReadonlySet<string>): FoundDump {
  const byFile = new Map<string, string[]>();
  const remains = new Set<string>();
  for (const name of names) {
    const [folder, file] = splitName(name);
    if (REMAINS.test(file)) remains.add(folder);
    const known = ['inventory.img', 'cpuinfo.img', RECORD_NAME, 'oci-layout'].includes(file);
    if (known) byFile.set(file, [...(byFile.get(file) ?? []), folder]);
  }
  const dumps = (byFile.get('inventory.img') ?? []).filter((folder) => !isPreDump(folder)).sort();
  const [dump] = dumps;
  if (dumps.length > 1) return { kind: 'several', folders: dumps };
  if (dump !== undefined) return dumpIn(dump, names);
  const [layout] = byFile.get('oci-layout') ?? [];
  if (layout !== undefined && names.has(joinName(layout, 'index.json')))
    return { kind: 'oci', folder: layout };
  const [incomplete] = [...remains].filter((folder) => !isPreDump(folder)).sort();
  if (incomplete !== undefined) return { kind: 'incomplete', folder: incomplete };
  const [record] = [...(byFile.get('cpuinfo.img') ?? []), ...(byFile.get(RECORD_NAME) ?? [])];
  return record === undefined ? { kind: 'none' } : { kind: 'record', folder: record };
}
