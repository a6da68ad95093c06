/** QEMU's -cpu: a versioned model, what is added and taken, and "enforce". */
import type { Baseline } from '../baseline/baseline.js';
import { type FeatureName, featureRow } from '../catalogue/index.js';
import { QEMU_FLOOR } from '../catalogue/qemu-models.js';
import { compareReleases, isSince } from '../model/release.js';
import { hashComments } from './comments.js';
import { notExpressed, note } from './remark.js';
import type { Exported, Target } from './target.js';
import {
  chooseModel,
  keptNotes,
  kernelNotes,
  leftOut,
  type VirtualModel,
  vendorConditions,
  wantedFeatures,
} from './virtual-model.js';

/** Releases with names that the floor lacks, ascending. */
const LATER_NAMES: readonly (readonly [release: string, names: readonly FeatureName[]])[] = [
  ['8.0', ['fzrm', 'fsrs', 'fsrc']],
  [
    '8.1',
    [
      'amx_complex',
      'amx_fp16',
      'avx_ifma',
      'avx_ne_convert',
      'avx_vnni_int8',
      'cmpccxadd',
      'lfence_rdtsc',
      'prefetchiti',
    ],
  ],
];
const NEWEST = '8.1';

/** Names in the catalogue that came after the newest release here. */
const TOO_NEW: ReadonlySet<FeatureName> = new Set([
  'amx_avx512',
  'amx_bf16_alias',
  'amx_complex_alias',
  'amx_fp16_alias',
  'amx_fp8',
  'amx_int8_alias',
  'amx_movrs',
  'amx_tf32',
  'apx',
  'apx_nci_ndd_nf',
  'avx10',
  'avx10_128',
  'avx10_256',
  'avx10_512',
  'avx10_v1_aux',
  'avx_vnni_int16',
  'fdp_excptn_only',
  'ibt',
  'lam',
  'movrs',
  'prefetchi',
  'sgx_aex_notify',
  'sgx_edeccssa',
  'sha512',
  'shstk',
  'sm3',
  'sm4',
  'zero_fcs_fds',
]);

/** The release that brought the name; undefined where none up to the newest has one. */
export function qemuNameSince(name: FeatureName): string | undefined {
  if (featureRow(name).names?.qemu === undefined || TOO_NEW.has(name)) return undefined;
  return LATER_NAMES.find(([, names]) => names.includes(name))?.[0] ?? QEMU_FLOOR;
}

function qemuName(name: FeatureName): string {
  const spelled = featureRow(name).names?.qemu;
  if (spelled === undefined) throw new Error(`QEMU has no name for ${name}`);
  return spelled;
}

export interface QemuCpu {
  /** What stands behind -cpu. */
  readonly argument: string;
  /** The oldest release that takes it. */
  readonly since: string;
  readonly shown: readonly FeatureName[];
  readonly chosen: VirtualModel;
}

function latest(releases: readonly string[]): string {
  return [...releases].sort(compareReleases).at(-1) ?? QEMU_FLOOR;
}

/** For this release of QEMU and all later ones. */
export function qemuCpu(baseline: Baseline, release: string): QemuCpu {
  const shown = wantedFeatures(baseline).filter((name) => {
    const since = qemuNameSince(name);
    return since !== undefined && isSince(release, since);
  });
  const chosen = chooseModel(shown, baseline, ({ since = QEMU_FLOOR }) => isSince(release, since));
  const { model, plus, minus, off } = chosen;
  const changes = [
    ...plus.map((name) => `+${qemuName(name)}`),
    ...minus.map((name) => `-${qemuName(name)}`),
    ...off.map((name) => `-${qemuName(name)}`),
  ];
  const names = [...plus, ...minus].map((name) => qemuNameSince(name) ?? QEMU_FLOOR);
  return {
    argument: [model.name, ...changes, 'enforce'].join(','),
    since: latest([model.since ?? QEMU_FLOOR, ...names]),
    shown,
    chosen,
  };
}

const HEAD = [
  'A virtual machine whose tasks see the baseline.',
  'qemu-system-x86_64 -accel kvm $(grep ^-cpu FILE) …',
  'enforce: where KVM on a host has not all of it, QEMU says so and does not start, instead of leaving it out.',
].map(note);

/** The same for QEMU before the models and names of the line itself. */
function olderLine(baseline: Baseline, cpu: QemuCpu): string {
  if (cpu.since === QEMU_FLOOR) return '';
  const older = qemuCpu(baseline, QEMU_FLOOR);
  const lost = cpu.shown.filter((name) => !older.shown.includes(name));
  const without = lost.length === 0 ? '' : `, without ${lost.join(', ')}`;
  return `${hashComments([`QEMU ${QEMU_FLOOR} and later${without}:`])}# -cpu ${older.argument}\n`;
}

function write(baseline: Baseline): Exported {
  const cpu = qemuCpu(baseline, NEWEST);
  const nameless = wantedFeatures(baseline).filter((name) => qemuNameSince(name) === undefined);
  const unnamed =
    nameless.length === 0
      ? []
      : [notExpressed(`QEMU ${NEWEST} has no name for ${nameless.join(', ')}.`)];
  const line = `${hashComments([`QEMU ${cpu.since} and later:`])}-cpu ${cpu.argument}\n`;
  return {
    content: olderLine(baseline, cpu) + line,
    remarks: [
      ...HEAD,
      ...kernelNotes(cpu.chosen, (name) => featureRow(name).names?.qemu),
      ...keptNotes(baseline),
      ...vendorConditions(baseline.vendors),
      ...unnamed,
      ...leftOut(baseline),
    ],
  };
}

export const qemu: Target = { name: 'qemu', file: 'qemu-cpu.txt', comments: 'hash', write };
