/** The dump's host and mask, from what the folder holds. */
import type { Host } from '../model/host.js';
import type { ImageFolder, ImageProcess } from '../model/image-folder.js';
import { leafTable } from '../model/leaves.js';
import type { SeenMask } from '../rules/context.js';

const AT_HWCAP2 = 26;
const AT_MINSIGSTKSZ = 51;

export interface DumpSource {
  readonly kind: 'record' | 'cpuinfo' | 'none';
  /** Knows nothing where the kind is none. */
  readonly host: Host;
  readonly mask: SeenMask | undefined;
  readonly remarks: readonly string[];
}

function values(alive: readonly ImageProcess[], kind: number): bigint[] {
  return alive.flatMap(({ auxv }) => {
    const value = auxv.get(kind);
    return value === undefined ? [] : [value];
  });
}

/**
 * The smallest that any process has been told at its start: it sized its alternate stack by that, on
 * whatever host it started.
 */
function smallestFrame(alive: readonly ImageProcess[]): number | undefined {
  const told = values(alive, AT_MINSIGSTKSZ).map(Number);
  return told.length === 0 ? undefined : Math.min(...told);
}

/** cpuinfo.img has no word for what the kernel told each process at its start. */
function systemOf(host: Host, alive: readonly ImageProcess[]): Host['system'] {
  const minSigStackBytes = smallestFrame(alive);
  const hwcap2 = values(alive, AT_HWCAP2).reduce<bigint | undefined>(
    (all, value) => (all ?? 0n) | value,
    undefined,
  );
  return {
    ...(hwcap2 === undefined ? {} : { hwcap2 }),
    ...host.system,
    ...(minSigStackBytes === undefined ? {} : { minSigStackBytes }),
  };
}

function maskOf(
  { record }: ImageFolder,
  claimed: SeenMask | undefined,
  alive: readonly ImageProcess[],
): SeenMask | undefined {
  const mask = record === undefined ? claimed : record.mask;
  if (mask === undefined) return undefined;
  const told = smallestFrame(alive);
  const shown = mask.floors.minSigStackBytes;
  // The images hold the kernel's copy of the vector; under a mask tasks read what was put on their
  // stacks, which is at least the mask's. What a user claims of a mask isn't taken for that.
  const isEnforced = record !== undefined && told !== undefined && shown !== undefined;
  const minSigStackBytes = isEnforced ? Math.max(told, shown) : (told ?? shown);
  return { ...mask, floors: { ...mask.floors, minSigStackBytes } };
}

function remarksOn({ record, remarks }: ImageFolder, claimed: SeenMask | undefined): string[] {
  if (record === undefined || claimed === undefined) return [...remarks];
  const said =
    record.mask === undefined
      ? 'The record says that the tasks ran without a mask'
      : `The record says that the tasks ran under ${record.mask.name}`;
  return [...remarks, `${said}; --mask is ignored.`];
}

/** The record is the better source: CRIU has words for a part of CPUID only. */
export function findSource(
  images: ImageFolder,
  alive: readonly ImageProcess[],
  claimed: SeenMask | undefined,
): DumpSource {
  const found = images.record?.host ?? images.cpuinfo;
  const kind = images.record !== undefined ? 'record' : found === undefined ? 'none' : 'cpuinfo';
  const host: Host = found ?? {
    name: images.name,
    format: 'criu',
    kind: 'system',
    cpus: [{ logical: [0], leaves: leafTable([]) }],
    remarks: [],
  };
  const system = systemOf(host, alive);
  return {
    kind,
    host: { ...host, name: images.name, ...(system === undefined ? {} : { system }) },
    mask: maskOf(images, claimed, alive),
    remarks: remarksOn(images, claimed),
  };
}
