/** Mask files of clusters whose oldest host has AVX and not AVX2, as the programs of the suite expect. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { baselineOf } from '../../../src/baseline/baseline.js';
import { encodeMask } from '../../../src/mask/bytes.js';
import { compileMask } from '../../../src/mask/compile.js';
import type { Mask } from '../../../src/mask/mask.js';
import { models } from '../../baseline/clusters.js';

/** Shown under the first, hidden under the second: FSGSBASE, F16C, RDRAND. */
const CLUSTERS = {
  ivybridge: ['ivybridge', 'haswell', 'skylake-sp'],
  sandybridge: ['sandybridge', 'haswell', 'skylake-sp'],
} as const;
export type MaskName = keyof typeof CLUSTERS;
export const MASK_NAMES = Object.keys(CLUSTERS) as readonly MaskName[];

export function maskOf(name: MaskName): Mask {
  return compileMask(baselineOf(models(...CLUSTERS[name]))).mask;
}

export function maskFile(folder: string, name: MaskName): string {
  return join(folder, `${name}.mask`);
}

export function writeMasks(folder: string): void {
  for (const name of MASK_NAMES) writeFileSync(maskFile(folder, name), encodeMask(maskOf(name)));
}
