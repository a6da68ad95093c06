/**
 * glibc saves registers on the stack with XSAVEC where its code is entered from a place that expects
 * none to change: when it binds a function lazily, and when it finds the place of a thread's variable.
 * It asks for a fixed set of components, and reserves room by the subleaves of CPUID 0xD at its start:
 * a subleaf whose EAX isn't 0 has its room, whether the OS enabled the component or not.
 *
 * With that sum, room = ALIGN_UP(sum + area of general registers, 64) - where the XSAVE area starts:
 *
 *                                          set      general registers  area at
 *     lazy binding     2.27 … 2.39         0xee            64             64
 *     lazy binding     2.40 …           0x800ee            88             64
 *     TLS descriptors  2.40 …           0xe00ee            88             64
 *     32-bit TLS       2.40 …              0x6e             0              0
 *
 * The stable branches of 2.38 and 2.39 took over what is new in 2.40 (since April 2024 and August 2025),
 * those of 2.23 to 2.26 and some distributions' older releases what is new in 2.27 (October 2017). Since
 * 2.42, and in stable branches since April 2025, the size for lazy binding is that with AMX less what AMX
 * takes: never less than here. Component 0 is asked for, too, and needs no room of its own.
 *
 * Sources: glibc sysdeps/x86/cpu-features.c (update_active; before 2.33 get_extended_indices and
 * init_cpu_features), sysdeps/x86/sysdep.h (STATE_SAVE_MASK, STATE_SAVE_OFFSET,
 * TLSDESC_CALL_REGISTER_SAVE_AREA), sysdeps/x86_64/dl-trampoline.h and dl-tlsdesc-dynamic.h,
 * sysdeps/i386/dl-tlsdesc-dynamic.h; commits b52b0d793d, dfb05f8e70, 0aac205a81, 9b7091415a, 717ebfa85c,
 * 145097dff1, 70b6488551, 848f0e46f0.
 */

import { alignUp, type PackedBuffer, packedBytes } from './packed-area.js';
import { hasBit64 } from './registers.js';
import { isSeriesSince, releaseSeries } from './release-series.js';
import type { ShownComponent } from './xsave.js';

export interface GlibcSave {
  readonly what: 'lazy binding' | 'TLS descriptors' | '32-bit TLS';
  /** The first release series, and the last where there is one, that do it so. */
  readonly from: string;
  readonly until?: string;
  /** Components that it asks XSAVEC for. */
  readonly components: bigint;
  /** Bytes that the general registers take of what is rounded up beside their own 64. */
  readonly spareBytes: number;
}

export const GLIBC_SAVES: readonly GlibcSave[] = [
  { what: 'lazy binding', from: '2.17', until: '2.39', components: 0xeen, spareBytes: 0 },
  { what: 'lazy binding', from: '2.38', components: 0x800een, spareBytes: 24 },
  { what: 'TLS descriptors', from: '2.38', components: 0xe00een, spareBytes: 24 },
  { what: '32-bit TLS', from: '2.38', components: 0x6en, spareBytes: 0 },
];

/** Components that some glibc saves. */
export const GLIBC_COMPONENTS = GLIBC_SAVES.reduce((mask, one) => mask | one.components, 0n);

/** The ways in which 64-bit programs of a release may save; undefined: of no known release. */
export function savesOfRelease(version: string | undefined): readonly GlibcSave[] | undefined {
  if (version === undefined || releaseSeries(version) === undefined) return undefined;
  return GLIBC_SAVES.filter(
    ({ what, from, until }) =>
      what !== '32-bit TLS' &&
      isSeriesSince(version, from) &&
      (until === undefined || isSeriesSince(until, version)),
  );
}

/** The room that glibc reserves for one of them, by the subleaves that it was shown. */
export function bufferOf(
  { components, spareBytes }: GlibcSave,
  shown: readonly ShownComponent[],
): PackedBuffer {
  const asked = shown.filter(({ bit }) => hasBit64(components, bit));
  const room = (unknown: 'none' | 'all') =>
    alignUp(
      spareBytes +
        packedBytes(
          asked
            .filter(({ isKnown }) => isKnown || unknown === 'all')
            .map(({ bit, size, aligned }) => ({ bit, size, aligned })),
        ),
    );
  return { components, least: room('none'), most: room('all') };
}
