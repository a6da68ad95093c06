/** The dump's host and mask, from what the folder holds. */
import type { Host } from '../model/host.js';
import type { ImageFolder, ImageProcess } from '../model/image-folder.js';
import { leafTable } from '../model/leaves.js';
import type { SeenMask } from '../rules/context.js';
import { joinKept } from './kept-cpuid.js';

const AT_HWCAP2 = 26;
const AT_MINSIGSTKSZ = 51;

/**
 * Where the dump's CPU is known from, the best first: cpugate's record; the user (--source); CRIU's
 * cpuinfo.img; what the tasks' C libraries keep of CPUID.
 */
export type SourceKind = 'record' | 'told' | 'cpuinfo' | 'memory' | 'none';

export interface DumpSource {
  readonly kind: SourceKind;
  /** Knows nothing where the kind is none. */
  readonly host: Host;
  readonly mask: SeenMask | undefined;
  /** Name of the host where the images can go on for sure; undefined: nothing tells it. */
  readonly dumpedOn: string | undefined;
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

function remarksOn(
  { record, remarks }: ImageFolder,
  claimed: SeenMask | undefined,
  told: Host | undefined,
): string[] {
  if (record === undefined) return [...remarks];
  const said =
    record.mask === undefined
      ? 'The record says that the tasks ran without a mask'
      : `The record says that the tasks ran under ${record.mask.name}`;
  const { cameUnder, host } = record;
  return [
    ...remarks,
    ...(cameUnder === undefined
      ? []
      : [
          `Tasks came under the mask of ${cameUnder} while they ran: what they asked the CPU before stays with ` +
            `them, so all of ${host.name}'s CPU counts. Tasks that are started under a mask have seen no more.`,
        ]),
    ...(claimed === undefined ? [] : [`${said}; --mask is ignored.`]),
    ...(told === undefined
      ? []
      : ['The record says where the dump was taken; --source is ignored.']),
  ];
}

/** A host of which only the memory of tasks tells: that they saw this, through a mask or not. */
function hostInMemory(alive: readonly ImageProcess[]): Host | undefined {
  const kept = alive.flatMap(({ keptCpuid }) => (keptCpuid.known ? [keptCpuid.value] : []));
  const cpu = joinKept(kept);
  return cpu && { name: '', format: 'criu', kind: 'system', cpus: [cpu], remarks: [] };
}

const NOTHING: Host = {
  name: '',
  format: 'criu',
  kind: 'system',
  cpus: [{ logical: [0], leaves: leafTable([]) }],
  remarks: [],
};

/** The best of what there is; CRIU has words for a part of CPUID only. */
function bestOf(
  { record, cpuinfo }: ImageFolder,
  alive: readonly ImageProcess[],
  told: Host | undefined,
): { readonly kind: SourceKind; readonly host: Host } {
  if (record !== undefined) return { kind: 'record', host: record.host };
  if (told !== undefined) return { kind: 'told', host: told };
  if (cpuinfo !== undefined) return { kind: 'cpuinfo', host: cpuinfo };
  const host = hostInMemory(alive);
  return host === undefined ? { kind: 'none', host: NOTHING } : { kind: 'memory', host };
}

export function findSource(
  images: ImageFolder,
  alive: readonly ImageProcess[],
  claimed: SeenMask | undefined,
  told?: Host,
): DumpSource {
  const { kind, host } = bestOf(images, alive, told);
  const system = systemOf(host, alive);
  return {
    kind,
    host: { ...host, name: images.name, ...(system === undefined ? {} : { system }) },
    mask: maskOf(images, claimed, alive),
    dumpedOn: images.record?.host.name ?? told?.name,
    remarks: remarksOn(images, claimed, told),
  };
}
