/**
 * The compiled mask itself, as "cpugate-supervisor run --mask" reads it: for containers that have neither Node nor
 * a compiler. The supervisor is told what to answer; whether a host has it all is for cpugate to say beforehand.
 */
import type { Baseline } from '../baseline/baseline.js';
import { encodeMask } from '../mask/bytes.js';
import { compileMask } from '../mask/compile.js';
import { condition, note } from './remark.js';
import type { Exported, Target } from './target.js';

function write(baseline: Baseline): Exported {
  const { mask, remarks } = compileMask(baseline);
  return {
    content: encodeMask(mask),
    remarks: [
      note('For cpugate-supervisor of the same release, which does not compare hosts.'),
      condition('Hosts must have all of the baseline: "cpugate verify --mask BASELINE" on each.'),
      ...remarks.map(condition),
    ],
  };
}

export const supervisor: Target = { name: 'supervisor', file: 'cluster.mask', write };
