import { isRelease, isSince } from '../../model/release.js';
import type { GateRule } from '../rule.js';

/**
 * CRIU reads and writes a thread's XSAVE area in a buffer of a fixed size: 4096 bytes up to 3.18,
 * 16384 since. With AMX the area has 11008: a dump there fails, and that a restore works nobody has shown.
 * Source: compel/arch/x86/src/lib/include/uapi/asm/fpu.h (XSAVE_SIZE), CRIU commit 727d79650, CRIU's
 * issue 2835.
 */
const BUFFERS = [
  { since: '3.19', bytes: 16384 },
  { since: '0.0', bytes: 4096 },
] as const;

function bufferOf(version: string): number | undefined {
  if (!isRelease(version)) return undefined;
  return BUFFERS.find(({ since }) => isSince(version, since))?.bytes;
}

export const criuTooOld: GateRule = ({ target, criuVersion }) => {
  const area = target.xsave.areaBytes;
  if (area === undefined || area <= BUFFERS[1].bytes) return [];
  const buffer = criuVersion === undefined ? undefined : bufferOf(criuVersion);
  if (buffer !== undefined && area <= buffer) return [];
  const sizes = `The XSAVE area of ${target.name} has ${area} bytes`;
  return [
    buffer === undefined
      ? {
          code: 'criu-too-old',
          severity: 'risk',
          component: 'xsave',
          effect: `${sizes}: CRIU before 3.19 has room for 4096 and fails there. Which CRIU will restore is unknown.`,
          remedy: 'none',
        }
      : {
          code: 'criu-too-old',
          severity: 'blocker',
          component: 'xsave',
          effect: `${sizes}, and CRIU ${criuVersion} has room for ${buffer}. Use CRIU 3.19 or newer.`,
          remedy: 'none',
        },
  ];
};
