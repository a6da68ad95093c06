/**
 * The table of /proc/vz/cpuid_override: whole answers, one leaf a line, for all containers of a node
 * ("leaf[ subleaf]: eax ebx ecx edx", arch/x86/kernel/cpuid_fault.c of the OpenVZ kernel). It takes no
 * comments, at most 16 lines (later kernels 128), and less than a page in one write.
 *
 * A frozen answer must be right on every host and on each of its CPUs. So leaf 1 stays out, which holds
 * the CPU's own APIC ID: its features (AVX, FMA, AES, OSXSAVE …) can't be hidden. For leaf 0xD see
 * openvz-xsave.ts.
 */
import type { Baseline } from '../baseline/baseline.js';
import type { FeatureName } from '../catalogue/index.js';
import { subleafRule } from '../catalogue/subleaves.js';
import { hostOfBaseline } from '../formats/baseline.js';
import { type LeafTable, leafTable, readRegister } from '../model/leaves.js';
import { hex32, or } from '../model/registers.js';
import { hiddenFeatures } from './hidden-features.js';
import { type OverrideLine, xsaveLines } from './openvz-xsave.js';
import { registerOf } from './register-masks.js';
import { condition, notExpressed, note, type Remark } from './remark.js';
import type { Exported, Target } from './target.js';

/**
 * Leaves with features of tasks that can be frozen, beside 0xD.
 * - features: holds nothing else but the number of its subleaves.
 * - needed: holds what no baseline knows, too; only where something is to hide.
 * - empty: describes something in detail, and is all zero where there is no such thing; only so.
 */
const LEAVES: readonly (readonly [
  leaf: number,
  subleaf: number | undefined,
  when: 'features' | 'needed' | 'empty',
])[] = [
  [0x7, 0, 'features'],
  [0x7, 1, 'features'],
  [0x12, 0, 'empty'],
  [0x12, 1, 'empty'],
  [0x14, 0, 'empty'],
  [0x19, undefined, 'empty'],
  [0x1e, 1, 'needed'],
  [0x24, 0, 'needed'],
  [0x24, 1, 'needed'],
  [0x29, 0, 'needed'],
  [0x80000001, undefined, 'needed'],
  [0x80000007, undefined, 'needed'],
  [0x80000021, undefined, 'needed'],
  [0xc0000001, undefined, 'needed'],
];

/** Older kernels hold so many lines, newer ones 128. */
const LINES_OF_OLDER_KERNELS = 16;

function featuresIn(leaf: number, subleaf: number, names: readonly FeatureName[]): FeatureName[] {
  const start = `${leaf.toString(16)}.${subleaf.toString(16)}.`;
  return names.filter((name) => registerOf(name).startsWith(start));
}

function lineOf(
  leaf: number,
  subleaf: number | undefined,
  leaves: LeafTable,
  { features }: Baseline,
): OverrideLine {
  const read = (register: 'eax' | 'ebx' | 'ecx' | 'edx') =>
    readRegister(leaves, leaf, subleaf ?? 0, register).value;
  const isCount = subleafRule(leaf) === 'up-to-eax' && subleaf === 0;
  const last = isCount && featuresIn(leaf, 1, features).length > 0 ? 1 : 0;
  return {
    leaf,
    subleaf,
    eax: or(read('eax'), last),
    ebx: read('ebx'),
    ecx: read('ecx'),
    edx: read('edx'),
  };
}

function featureLines(baseline: Baseline, hidden: readonly FeatureName[]): OverrideLine[] {
  const leaves = hostOfBaseline('baseline', baseline).cpus[0]?.leaves ?? leafTable([]);
  return LEAVES.filter(([leaf, subleaf = 0, when]) => {
    const [kept, lost] = [baseline.features, hidden].map(
      (names) => featuresIn(leaf, subleaf, names).length,
    ) as [number, number];
    if (when === 'features') return kept + lost > 0;
    return lost > 0 && (when === 'needed' || kept === 0);
  }).map(([leaf, subleaf]) => lineOf(leaf, subleaf, leaves, baseline));
}

function isCovered(name: FeatureName, lines: readonly OverrideLine[]): boolean {
  return lines.some(({ leaf, subleaf }) => featuresIn(leaf, subleaf ?? 0, [name]).length > 0);
}

function lineText({ leaf, subleaf, eax, ebx, ecx, edx }: OverrideLine): string {
  const start = subleaf === undefined ? hex32(leaf) : `${hex32(leaf)} ${hex32(subleaf)}`;
  return `${start}: ${[eax, ebx, ecx, edx].map(hex32).join(' ')}\n`;
}

function write(baseline: Baseline): Exported {
  const hidden = hiddenFeatures(baseline);
  const xsave = xsaveLines(baseline);
  const lines = [...featureLines(baseline, hidden), ...xsave.lines].sort(
    (a, b) => a.leaf - b.leaf || (a.subleaf ?? 0) - (b.subleaf ?? 0),
  );
  const remarks: Remark[] = [];
  const shown = hidden.filter((name) => !isCovered(name, lines));
  const [inLeaf1, others] = [
    shown.filter((name) => featuresIn(1, 0, [name]).length > 0),
    shown.filter((name) => featuresIn(1, 0, [name]).length === 0),
  ];
  if (inLeaf1.length > 0)
    remarks.push(
      notExpressed(
        `Leaf 1 holds each CPU's own APIC ID and can't be in a table: containers go on seeing ${inLeaf1.join(', ')}.`,
      ),
    );
  if (others.length > 0)
    remarks.push(
      notExpressed(
        `Their leaves hold what differs between hosts: containers go on seeing ${others.join(', ')}.`,
      ),
    );
  if (lines.some(({ leaf }) => leaf === 0x80000001))
    remarks.push(
      note('Leaf 0x80000001 then shows neither the signature of AMD CPUs nor features of the OS.'),
    );
  remarks.push(...xsave.lost.map(notExpressed));
  if (lines.length > LINES_OF_OLDER_KERNELS)
    remarks.push(
      condition(
        `The table has ${lines.length} lines; older OpenVZ kernels hold ${LINES_OF_OLDER_KERNELS}.`,
      ),
    );
  return { content: lines.map(lineText).join(''), remarks };
}

export const openvz: Target = { name: 'openvz', file: 'cpuid_override', write };
