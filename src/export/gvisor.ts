/**
 * The annotation by which runsc shows a sandbox only the listed features of its host. gVisor refuses a
 * checkpoint where one that the sandbox had is missing, the kernel's own included; so those aren't
 * listed, and the sandbox does without them.
 *
 * A name that gVisor doesn't know keeps a sandbox from starting.
 */
import type { Baseline } from '../baseline/baseline.js';
import { gvisorName } from '../catalogue/gvisor-names.js';
import { type FeatureName, featureRow } from '../catalogue/index.js';
import { hiddenFeatures } from './hidden-features.js';
import { condition, notExpressed, note, type Remark } from './remark.js';
import type { Exported, Target } from './target.js';

/** Leaves that gVisor passes on as they are; it answers zero to those that are in no list of its own. */
const PASSED_ON: ReadonlySet<number> = new Set([0x7, 0xd, 0x80000007, 0x80000008]);

function isPassedOn(name: FeatureName): boolean {
  const { leaf, subleaf } = featureRow(name);
  return gvisorName(name) === undefined && PASSED_ON.has(leaf) && (leaf === 0xd || subleaf === 0);
}

const HEAD: readonly Remark[] = [
  note(
    'Annotation of a sandbox (OCI config.json, or a pod where containerd passes on dev.gvisor.*): it sees only these features of its host.',
  ),
  condition(
    'Only platforms that intercept CPUID keep to the list (kvm; systrap and ptrace where the host has CPUID faulting).',
  ),
  condition(
    'A release of runsc that does not know a name refuses to start the sandbox; the bits of leaf 7 EDX (fsrm, serialize, amx_tile and their like) came last.',
  ),
];

function write(baseline: Baseline): Exported {
  const names = baseline.features.map(gvisorName).filter((name) => name !== undefined);
  const shown = hiddenFeatures(baseline).filter(isPassedOn);
  const lost = baseline.features.filter((name) => gvisorName(name) === undefined);
  const remarks = [...HEAD];
  if (shown.length > 0)
    remarks.push(
      notExpressed(`gVisor has no name for ${shown.join(', ')}: sandboxes go on seeing them.`),
    );
  if (lost.length > 0)
    remarks.push(notExpressed(`gVisor has no name for ${lost.join(', ')}: not in the list.`));
  return {
    content: `dev.gvisor.internal.cpufeatures: "${names.join(',')}"\n`,
    remarks,
  };
}

export const gvisor: Target = { name: 'gvisor', file: 'gvisor.yaml', comments: 'hash', write };
