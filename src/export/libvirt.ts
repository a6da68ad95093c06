/** libvirt's <cpu> of a domain: a model and a policy for each feature in which it differs. */
import type { Baseline } from '../baseline/baseline.js';
import { VISIBLE } from '../baseline/host-kind.js';
import { type FeatureName, featureRow } from '../catalogue/index.js';
import { LIBVIRT_VENDORS } from '../catalogue/libvirt-models.js';
import { notExpressed, note, type Remark } from './remark.js';
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

/** Names in the catalogue that libvirt 9.0's CPU map lacks. */
const TOO_NEW: ReadonlySet<FeatureName> = new Set([
  'amx_complex',
  'amx_fp16',
  'avx10',
  'avx10_128',
  'avx10_256',
  'avx10_512',
  'avx_ifma',
  'avx_ne_convert',
  'avx_vnni_int16',
  'avx_vnni_int8',
  'cmpccxadd',
  'fsrc',
  'fsrs',
  'fzrm',
  'lam',
  'lfence_rdtsc',
  'movrs',
  'prefetchiti',
  'sgx_aex_notify',
  'sgx_edeccssa',
  'sha512',
  'sm3',
  'sm4',
]);

/** Undefined where libvirt 9.0 has none, or QEMU none to hand it on by. */
export function libvirtName(name: FeatureName): string | undefined {
  const { libvirt, qemu } = featureRow(name).names ?? {};
  return qemu === undefined || TOO_NEW.has(name) ? undefined : libvirt;
}

function vendorName(letters: string): string | undefined {
  return LIBVIRT_VENDORS.find((row) => row.letters === letters && row.isLater !== true)?.name;
}

/**
 * libvirt compares hosts by its own map of models and QEMU starts its own model: what the two don't
 * agree on is told either way.
 */
function policies(
  { model, plus, minus, off }: VirtualModel,
  named: readonly FeatureName[],
): Readonly<Record<'require' | 'disable', readonly FeatureName[]>> {
  const disputed = model.disputed ?? [];
  const both = (names: readonly FeatureName[], wanted: boolean) =>
    VISIBLE.filter(
      (name) =>
        names.includes(name) || (disputed.includes(name) && named.includes(name) === wanted),
    );
  return { require: both(plus, true), disable: [...both(minus, false), ...off] };
}

const HEAD = [
  'The CPU of a domain whose tasks see the baseline: take it in place of the <cpu> of the domain (virsh edit). libvirt 9.0 and later.',
].map(note);

/** libvirt's CPU of the baseline: what tools above libvirt take as well. */
export interface LibvirtCpu {
  /** libvirt's name. */
  readonly model: string;
  /** By libvirt's names: what the model lacks, and what is to be taken from it. */
  readonly require: readonly string[];
  readonly disable: readonly string[];
  readonly cpu: VirtualModel;
  /** What holds of it, and what it can't say; what each file is comes before. */
  readonly remarks: readonly Remark[];
}

export function libvirtCpu(baseline: Baseline): LibvirtCpu {
  const wanted = wantedFeatures(baseline);
  const named = wanted.filter((name) => libvirtName(name) !== undefined);
  const cpu = chooseModel(named, baseline, ({ libvirt }) => libvirt !== undefined);
  const nameless = wanted.filter((name) => !named.includes(name));
  const unnamed =
    nameless.length === 0
      ? []
      : [notExpressed(`libvirt 9.0 has no name for ${nameless.join(', ')}.`)];
  const names = (kind: 'require' | 'disable') =>
    policies(cpu, named)[kind].map((name) => libvirtName(name) as string);
  return {
    model: cpu.model.libvirt as string,
    require: names('require'),
    disable: names('disable'),
    cpu,
    remarks: [
      ...kernelNotes(cpu, libvirtName),
      ...keptNotes(baseline),
      ...vendorConditions(baseline.vendors),
      ...unnamed,
      ...leftOut(baseline),
    ],
  };
}

function write(baseline: Baseline): Exported {
  const { model, require, disable, remarks } = libvirtCpu(baseline);
  const [vendor] = baseline.vendors.length === 1 ? baseline.vendors : [];
  const libvirtVendor = vendor === undefined ? undefined : vendorName(vendor);
  const policy = (kind: string, names: readonly string[]) =>
    names.map((name) => `  <feature policy='${kind}' name='${name}'/>`);
  const lines = [
    "<cpu mode='custom' match='exact' check='partial'>",
    `  <model fallback='forbid'>${model}</model>`,
    ...(libvirtVendor === undefined ? [] : [`  <vendor>${libvirtVendor}</vendor>`]),
    ...policy('require', require),
    ...policy('disable', disable),
    '</cpu>',
  ];
  return { content: `${lines.join('\n')}\n`, remarks: [...HEAD, ...remarks] };
}

export const libvirt: Target = {
  name: 'libvirt',
  file: 'libvirt-cpu.xml',
  comments: 'xml',
  write,
};
