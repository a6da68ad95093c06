/**
 * Lazy binding: the first call of a library function goes through the dynamic linker, which saves the
 * vector registers into as much stack as CPUID asked for when the program started, and keeps that
 * size for life. On a host with a larger XSAVE area, plain XSAVE writes past that stack.
 * Source: glibc sysdeps/x86/cpu-features.c, x86/sysdep.h (STATE_SAVE_MASK), x86_64/dl-trampoline.h.
 *
 * What the linker saves with, in this order: XSAVEC (compacted: what is in use, behind room for all that
 * the host enables before it), else XSAVE (standard format: all that the host enables), else FXSAVE
 * (512 bytes everywhere; upper halves of vector arguments are lost).
 */
import type { Baseline } from '../baseline/baseline.js';
import { hardwareGroups } from '../baseline/cluster.js';
import { packedPartsOf } from '../baseline/host-kind.js';
import { COMPONENT } from '../catalogue/index.js';
import { bufferOf, savesOfRelease } from '../model/glibc-saves.js';
import { holdsPacked } from '../model/packed-area.js';
import { isSince } from '../model/release.js';
import { LEGACY_AREA_BYTES } from '../model/xsave.js';
import { FIRST_WITHOUT_XSAVE, type GlibcVersion } from './glibc-tunables.js';
import { mayBeSomewhere } from './hidden-features.js';

export interface LazyBinding {
  /** It has to be turned off: LD_BIND_NOW=1. */
  readonly off: boolean;
  readonly why: string;
}

/** Neither PKRU nor AMX. */
const SAVED_COMPONENTS: ReadonlySet<number> = new Set([
  COMPONENT.sse,
  COMPONENT.ymm_hi128,
  COMPONENT.bndregs,
  COMPONENT.opmask,
  COMPONENT.zmm_hi256,
  COMPONENT.hi16_zmm,
  COMPONENT.apx,
]);

/**
 * Whether the least stack that a program may have got holds the most that a host may write;
 * undefined where a host doesn't tell.
 */
function plainXsaveFits(baseline: Baseline): boolean | undefined {
  let least = Number.POSITIVE_INFINITY;
  let most = LEGACY_AREA_BYTES;
  for (const { kind } of hardwareGroups(baseline.cluster)) {
    if (kind.areaBytes === undefined || kind.xcr0 === undefined) return undefined;
    least = Math.min(least, kind.areaBytes);
    for (const { bit, size, offset } of kind.components) {
      if (!SAVED_COMPONENTS.has(bit)) continue;
      if (size === undefined || offset === undefined) return undefined;
      most = Math.max(most, offset + size);
    }
  }
  return most <= least;
}

/**
 * Whether the room that a program may have reserved on one host holds what it uses on another, packed:
 * true, false, or undefined where that isn't known. These settings hide no CPUID: each host shows its own.
 */
function packedFits(baseline: Baseline, version: GlibcVersion): boolean | undefined {
  const parts = new Map<string, ReturnType<typeof packedPartsOf>>();
  for (const { kind } of hardwareGroups(baseline.cluster))
    parts.set(JSON.stringify([kind.xcr0, kind.components, kind.shown]), packedPartsOf(kind));
  const hosts = [...parts.values()];
  const saves = savesOfRelease(version)?.filter(({ what }) => what === 'lazy binding') ?? [];
  const fits = new Set(
    saves.flatMap((save) =>
      hosts.flatMap(({ shown, enabled }) => {
        const buffer = bufferOf(save, shown);
        return hosts.map((target) => holdsPacked(buffer, enabled, target).fit);
      }),
    ),
  );
  if (fits.has('overrun')) return false;
  return fits.has('unknown') ? undefined : true;
}

function withXsavec(baseline: Baseline, version: GlibcVersion): LazyBinding {
  const stays = 'All hosts have XSAVEC, so it stays';
  const fits = packedFits(baseline, version);
  if (fits === true)
    return {
      off: false,
      why: `${stays}: lazy binding then saves what a program uses in the compacted format, and the room that it reserves on one host is enough on each. Without XSAVEC glibc would save with plain XSAVE, which writes all that the host enables.`,
    };
  return {
    off: true,
    why:
      fits === false
        ? `${stays}, but what lazy binding saves in the compacted format lies further back on some host, behind the room that a program reserved on another. LD_BIND_NOW=1 keeps it from saving at all; TLS descriptors (-mtls-dialect=gnu2) save the same way since 2.40.`
        : `${stays}, but for some host it is unknown where lazy binding puts what it saves in the compacted format. LD_BIND_NOW=1 keeps it from saving at all.`,
  };
}

function withoutXsave(baseline: Baseline, version: GlibcVersion): LazyBinding {
  if (!mayBeSomewhere(baseline, 'xsave'))
    return { off: false, why: 'No host has XSAVE, so lazy binding saves with FXSAVE everywhere.' };
  if (isSince(version, FIRST_WITHOUT_XSAVE))
    return {
      off: false,
      why: 'With XSAVE and XSAVEC hidden, lazy binding saves with FXSAVE on all hosts.',
    };
  return {
    off: true,
    why: `Not all hosts have XSAVE, and glibc ${version} can't be kept from using it (2.34 and later can). LD_BIND_NOW=1 keeps it from saving at all.`,
  };
}

export function lazyBinding(baseline: Baseline, version: GlibcVersion): LazyBinding {
  const kept = new Set(baseline.features);
  if (!kept.has('xsave') || !kept.has('osxsave')) return withoutXsave(baseline, version);
  if (kept.has('xsavec')) return withXsavec(baseline, version);
  const fits = plainXsaveFits(baseline);
  if (fits === true)
    return {
      off: false,
      why: "Not all hosts have XSAVEC, so lazy binding saves with plain XSAVE. What that writes fits on every host of this baseline; a host with a larger XSAVE area mustn't join.",
    };
  const reason =
    fits === false
      ? 'Not all hosts have XSAVEC, so lazy binding saves with plain XSAVE, which on the hosts with the larger area writes past the stack that a program reserved on a smaller one.'
      : 'Not all hosts have XSAVEC, so lazy binding saves with plain XSAVE, and for some host it is unknown how much that writes.';
  const instead = isSince(version, FIRST_WITHOUT_XSAVE)
    ? ' TLS descriptors (-mtls-dialect=gnu2) and LD_AUDIT save the same way: for those add -XSAVE, which makes it FXSAVE, at the cost of AVX in glibc and of the upper halves of AVX arguments in calls that bind lazily.'
    : " TLS descriptors (-mtls-dialect=gnu2) and LD_AUDIT save the same way, and this glibc can't be kept from it.";
  return { off: true, why: `${reason} LD_BIND_NOW=1 keeps it from saving at all.${instead}` };
}
