/** Leaf 0xD of a guest of Firecracker: the state that it can enable, and how large that is. */
import { type Baseline, ownAreaBytes } from '../baseline/baseline.js';
import { VISIBLE } from '../baseline/host-kind.js';
import { COMPONENTS, LEGACY_STATE, type Register } from '../catalogue/index.js';
import { hasBit64 } from '../model/registers.js';
import { Bitmap } from './register-bits.js';

/** State components: user ones are on where the baseline enables them, other bits are cleared. */
function userComponents(baseline: Baseline, firstBit: number): Bitmap {
  const bitmap = new Bitmap();
  if (!baseline.features.includes('xsave')) return bitmap.setAll('0');
  for (let bit = 0; bit < 32; bit++)
    if (!hasBit64(baseline.xcr0 | LEGACY_STATE, firstBit + bit)) bitmap.set(bit, '0');
  return bitmap;
}

/** Supervisor state of features for tasks goes where all of those are hidden. */
export function supervisorComponents(baseline: Baseline): Bitmap {
  const bitmap = new Bitmap();
  if (!baseline.features.includes('xsave')) return bitmap.setAll('0');
  for (const { bit, kind, enabledBy } of COMPONENTS) {
    const forTasks = enabledBy.every((name) => VISIBLE.includes(name));
    const isUsed = enabledBy.some((name) => baseline.features.includes(name));
    if (kind === 'supervisor' && forTasks && !isUsed) bitmap.set(bit, '0');
  }
  return bitmap;
}

/** The largest area that the guest can enable. */
function largestArea(baseline: Baseline): Bitmap {
  const bitmap = new Bitmap();
  if (!baseline.features.includes('xsave')) return bitmap.setAll('0');
  const bytes = ownAreaBytes(baseline);
  return bytes === undefined ? bitmap : bitmap.setNumber([31, 0], bytes);
}

/** Subleaf 0. KVM keeps what is enabled now (EBX) by itself. */
export function xsaveSizeBits(baseline: Baseline, register: Register): Bitmap {
  if (register === 'eax') return userComponents(baseline, 0);
  if (register === 'edx') return userComponents(baseline, 32);
  return register === 'ecx' ? largestArea(baseline) : new Bitmap();
}
