import { isSeriesSince } from '../model/release-series.js';
import { rule } from './rule.js';

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
  return BUFFERS.find(({ since }) => isSeriesSince(version, since))?.bytes;
}

export const criuTooOld = rule({
  code: 'criu-too-old',
  reads: ['images'],
  find: ({ to, images }) => {
    const area = to.xsave.areaBytes;
    if (images === undefined || area === undefined || area <= BUFFERS[1].bytes) return [];
    const version = images.criuVersion;
    const buffer = version === undefined ? undefined : bufferOf(version);
    if (buffer !== undefined && area <= buffer) return [];
    const facts = { area, buffer: buffer ?? null, version: version ?? null };
    return [{ severity: buffer === undefined ? 'risk' : 'blocker', component: 'xsave', facts }];
  },
  sentence: ({ facts: { area, buffer, version } }, { to }) =>
    `The XSAVE area of ${to} has ${area} bytes` +
    (buffer === null
      ? ': CRIU before 3.19 has room for 4096 and fails there. Which CRIU will restore is unknown.'
      : `, and CRIU ${version} has room for ${buffer}.`),
  remedy: 'newer-criu',
  severities: ['blocker', 'risk'],
  where: 'risk where --criu VERSION does not say which CRIU will restore',
  when: "the target's XSAVE area is larger than CRIU's buffer: 4096 bytes before 3.19, then 16384",
  meaning: 'CRIU fails where it reads or writes the registers of a thread.',
  advice: 'Take CRIU 3.19 or newer, and name it with --criu.',
});
