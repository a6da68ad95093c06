/** libvirt's <cpu> of a domain: a model and a policy for each feature in which it differs. */
import type { Baseline } from '../baseline/baseline.js';
import { VISIBLE } from '../baseline/host-kind.js';
import { type FeatureName, featureRow } from '../catalogue/index.js';
import { LIBVIRT_VENDORS } from '../catalogue/libvirt-models.js';
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
): string[] {
  const disputed = model.disputed ?? [];
  const both = (names: readonly FeatureName[], wanted: boolean) =>
    VISIBLE.filter(
      (name) =>
        names.includes(name) || (disputed.includes(name) && named.includes(name) === wanted),
    );
  return [
    ...policy('require', both(plus, true)),
    ...policy('disable', both(minus, false)),
    ...policy('disable', off),
  ];
}

function policy(kind: 'require' | 'disable', names: readonly FeatureName[]): string[] {
  return names.map((name) => `  <feature policy='${kind}' name='${libvirtName(name)}'/>`);
}

const HEAD = [
  'The CPU of a domain whose tasks see the baseline: take it in place of the <cpu> of the domain (virsh edit). libvirt 9.0 and later.',
].map(note);

function write(baseline: Baseline): Exported {
  const wanted = wantedFeatures(baseline);
  const named = wanted.filter((name) => libvirtName(name) !== undefined);
  const cpu = chooseModel(named, baseline, ({ libvirt }) => libvirt !== undefined);
  const nameless = wanted.filter((name) => !named.includes(name));
  const unnamed =
    nameless.length === 0
      ? []
      : [notExpressed(`libvirt 9.0 has no name for ${nameless.join(', ')}.`)];
  const [vendor] = baseline.vendors.length === 1 ? baseline.vendors : [];
  const libvirtVendor = vendor === undefined ? undefined : vendorName(vendor);
  const lines = [
    "<cpu mode='custom' match='exact' check='partial'>",
    `  <model fallback='forbid'>${cpu.model.libvirt}</model>`,
    ...(libvirtVendor === undefined ? [] : [`  <vendor>${libvirtVendor}</vendor>`]),
    ...policies(cpu, named),
    '</cpu>',
  ];
  return {
    content: `${lines.join('\n')}\n`,
    remarks: [
      ...HEAD,
      ...kernelNotes(cpu, libvirtName),
      ...keptNotes(baseline),
      ...vendorConditions(baseline.vendors),
      ...unnamed,
      ...leftOut(baseline),
    ],
  };
}

export const libvirt: Target = {
  name: 'libvirt',
  file: 'libvirt-cpu.xml',
  comments: 'xml',
  write,
};
