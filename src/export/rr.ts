/**
 * Options of `rr record`: bits that the recorded program doesn't see, so that the recording can be
 * replayed on every host of the baseline. rr takes masks of the bits to clear, of leaf 1, leaf 7.0 and
 * leaf 0xD.1 only (src/RecordCommand.cc, src/CPUFeaturesCommand.cc).
 */
import type { Baseline } from '../baseline/baseline.js';
import type { FeatureName } from '../catalogue/index.js';
import { hex } from '../model/registers.js';
import { hiddenFeatures } from './hidden-features.js';
import { maskOf, type RegisterName, registerOf } from './register-masks.js';
import { condition, notExpressed, note, type Remark } from './remark.js';
import type { Exported, Target } from './target.js';

/** Registers in the order in which each option takes their masks. */
const OPTIONS: readonly (readonly [string, readonly RegisterName[]])[] = [
  ['--disable-cpuid-features', ['1.0.ecx', '1.0.edx']],
  ['--disable-cpuid-features-ext', ['7.0.ebx', '7.0.ecx', '7.0.edx']],
  ['--disable-cpuid-features-xsave', ['d.1.eax']],
];

const REACHED: ReadonlySet<RegisterName> = new Set(OPTIONS.flatMap(([, registers]) => registers));

function options(hidden: readonly FeatureName[]): string[] {
  return OPTIONS.flatMap(([option, registers]) => {
    const masks = registers.map((register) => maskOf(register, hidden));
    return masks.some((mask) => mask !== 0) ? [option, masks.map(hex).join(',')] : [];
  });
}

const HEAD: readonly Remark[] = [
  note('Options of rr record, for recordings that every host of the baseline can replay:'),
  note("rr record $(grep -v '^#' FILE) -- COMMAND"),
  condition('rr needs CPUID faulting for them, and refuses to record where the CPU lacks it.'),
];

function write(baseline: Baseline): Exported {
  const hidden = hiddenFeatures(baseline);
  const unreached = hidden.filter((name) => !REACHED.has(registerOf(name)));
  const lost: string[] = [];
  if (unreached.length > 0)
    lost.push(
      `rr masks leaves 1, 7.0 and 0xD.1 only: programs go on seeing ${unreached.join(', ')}.`,
    );
  lost.push(
    "The XSAVE area's size stays that of the host that records, and a replay needs the same XCR0 there.",
  );
  const set = options(hidden);
  const nothing = set.length === 0 ? [note('There is nothing that rr could mask.')] : [];
  return {
    content: set.length === 0 ? '' : `${set.join(' ')}\n`,
    remarks: [...HEAD, ...nothing, ...lost.map(notExpressed)],
  };
}

export const rr: Target = { name: 'rr', file: 'rr.txt', comments: 'hash', write };
