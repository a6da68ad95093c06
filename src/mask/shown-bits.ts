/**
 * Which of the catalogue's bits a mask shows. What tasks can see is the baseline's to say. Of the
 * rest a task needs nothing, so it is hidden, and with it every bit that nobody has named:
 * - kernel: hosts of one cluster differ in it, and only privileged code, or a task that drives the
 *   hardware through the kernel (perf, KVM), could use what it tells;
 * - security: a task may leave its own mitigations out where the CPU says that it needs none, and go
 *   on where it does. Hidden, it takes the careful way;
 * - identity: most of it is harmless and explains other leaves; the table says which.
 */
import type { FeatureName, FeatureRow } from '../catalogue/index.js';
import { isUserVisible } from '../model/prerequisites.js';

export interface AlwaysShown {
  readonly names: readonly FeatureName[];
  readonly why: string;
}

export const ALWAYS_SHOWN: readonly AlwaysShown[] = [
  {
    names: [
      'vme',
      'de',
      'pse',
      'msr',
      'pae',
      'mce',
      'apic',
      'mtrr',
      'pge',
      'mca',
      'pat',
      'pse36',
      'nx',
    ],
    why: 'Every x86-64 CPU has them and only the kernel can use them: a CPU without is none that programs know',
  },
  {
    names: ['ht', 'cmp_legacy', 'topoext', 'nodeid_msr', 'mp', 'hybrid_cpu', 'amd_htr_cores'],
    why: 'They say how to read the topology and cache leaves, which stay live (glibc sizes its copy loops by them)',
  },
  {
    names: ['hypervisor'],
    why: 'It says that the hypervisor leaves are there, which stay live; no instruction depends on it',
  },
];

const alwaysShown: ReadonlySet<FeatureName> = new Set(ALWAYS_SHOWN.flatMap(({ names }) => names));

/** Whether a mask of these features lets the row's bit through. */
export function isShown(
  row: FeatureRow & { readonly name: FeatureName },
  features: ReadonlySet<FeatureName>,
): boolean {
  return isUserVisible(row.name) ? features.has(row.name) : alwaysShown.has(row.name);
}
