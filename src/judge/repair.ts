/**
 * What of an unmasked dump can be made safe in its restore: the sizes by which glibc takes stack for
 * registers are made as large as the target needs. Its code reads the size once, and gives the stack back
 * without it, so that nothing else changes, unless a thread has taken its stack and not saved yet. Pure.
 */
import type { Capabilities } from '../model/capabilities.js';
import type { ImageProcess, KeptSize, LazyBinding, Repair } from '../model/image-folder.js';
import { alignUp } from '../model/packed-area.js';
import type { ImageEvidence } from '../rules/context.js';
import { areaNeeded, waysOf } from '../rules/lazy-binding.js';

export interface RepairPlan {
  readonly repairs: readonly Repair[];
  /** Threads that stand where no size may change: their processes aren't repaired. */
  readonly between: readonly number[];
  /** What the rules are to judge then. */
  readonly evidence: ImageEvidence;
}

interface Sized {
  readonly address: bigint;
  readonly before: number;
  readonly after: number;
}

/** The sizes of the code that the process may use. */
function usedSizes(process: ImageProcess, images: ImageEvidence): readonly KeptSize[] {
  const instructions = new Set(waysOf(process, images)?.map(({ instruction }) => instruction));
  const { keptSizes } = process;
  if (!keptSizes.known) return [];
  // One of 0 is of code that this glibc doesn't use here.
  return keptSizes.value.filter(
    ({ bytes, instruction }) => bytes !== 0 && instructions.has(instruction),
  );
}

/** What code needs of stack at the target: registers beside the area, and the area. */
function stackNeeded({ bytes, areaBytes, ...way }: KeptSize, to: Capabilities): number | undefined {
  const area = areaNeeded(way, to);
  return area === undefined ? undefined : alignUp(bytes - areaBytes + area);
}

/** Undefined: what is needed isn't known. */
function grown(sizes: readonly KeptSize[], to: Capabilities): Sized[] | undefined {
  const byAddress = new Map<bigint, Sized>();
  for (const size of sizes) {
    const needed = stackNeeded(size, to);
    if (needed === undefined) return undefined;
    const { address, bytes: before } = size;
    const after = Math.max(needed, byAddress.get(address)?.after ?? before);
    byAddress.set(address, { address, before, after });
  }
  return [...byAddress.values()].filter(({ before, after }) => after > before);
}

function withSizes(process: ImageProcess, sizes: readonly Sized[]): ImageProcess {
  const { lazyBinding, keptSizes } = process;
  if (!lazyBinding.known || !keptSizes.known) return process;
  const more = ({ address }: KeptSize): number => {
    const size = sizes.find((one) => one.address === address);
    return size === undefined ? 0 : size.after - size.before;
  };
  const value = keptSizes.value.map((size) => ({
    ...size,
    bytes: size.bytes + more(size),
    areaBytes: size.areaBytes + more(size),
  }));
  const binding = lazyBinding.value;
  const grownBinding: LazyBinding =
    binding.kind === 'none'
      ? binding
      : {
          ...binding,
          ways: binding.ways.map((way) => ({ ...way, areaBytes: areaOf(way, value) })),
        };
  return {
    ...process,
    lazyBinding: { known: true, value: grownBinding },
    keptSizes: { known: true, value },
  };
}

/** A way is one of the pieces of code whose sizes are kept. */
function areaOf(
  { instruction, components, areaBytes }: Omit<KeptSize, 'address' | 'bytes' | 'between'>,
  sizes: readonly KeptSize[],
): number {
  const own = sizes.filter(
    (one) => one.instruction === instruction && one.components === components,
  );
  return own.length === 0 ? areaBytes : Math.min(...own.map((one) => one.areaBytes));
}

/** Undefined: nothing has to grow, or nothing can. */
export function planRepair(images: ImageEvidence, to: Capabilities): RepairPlan | undefined {
  const repairs: Repair[] = [];
  const between: number[] = [];
  const alive = images.alive.map((process) => {
    const used = usedSizes(process, images);
    const sizes = grown(used, to) ?? [];
    const inBetween = used
      .filter(({ address }) => sizes.some((one) => one.address === address))
      .flatMap((size) => size.between);
    between.push(...inBetween);
    if (sizes.length === 0 || inBetween.length > 0) return process;
    const { pid, comm } = process;
    repairs.push({ pid, comm, sizes });
    return withSizes(process, sizes);
  });
  if (repairs.length === 0 && between.length === 0) return undefined;
  return { repairs, between, evidence: { ...images, alive, repairs } };
}
