/**
 * The CPU of a KubeVirt virtual machine: libvirt's model and policies under spec.domain.cpu. KubeVirt itself
 * asks for nodes with the labels of the model and of required features (cpu-model.node.kubevirt.io/NAME,
 * cpu-feature.node.kubevirt.io/NAME), which its own labeller sets. Source: KubeVirt's API
 * (kubevirt.io/api core/v1, CPU and CPUFeature), and its user guide, "Virtual hardware".
 */
import type { Baseline } from '../baseline/baseline.js';
import { libvirtCpu } from './libvirt.js';
import { note } from './remark.js';
import type { Exported, Target } from './target.js';

function write(baseline: Baseline): Exported {
  const { model, require, disable, remarks } = libvirtCpu(baseline);
  const indent = ' '.repeat(10);
  const features = [
    ...require.map((name) => [name, 'require']),
    ...disable.map((name) => [name, 'disable']),
  ].map(([name, policy]) => `${indent}  - name: "${name}"\n${indent}    policy: ${policy}\n`);
  const content = `spec:
  template:
    spec:
      domain:
        cpu:
${indent}model: "${model}"
${features.length === 0 ? '' : `${indent}features:\n`}${features.join('')}`;
  return {
    content,
    remarks: [
      note(
        'The CPU of a virtual machine whose tasks see the baseline: kubectl patch vm NAME --type merge --patch-file FILE, and start it again.',
      ),
      note(
        'KubeVirt starts it only on nodes that its labeller has found to give the model and what is required, and moves it between such nodes.',
      ),
      ...remarks,
    ],
  };
}

export const kubevirt: Target = {
  name: 'kubevirt',
  file: 'kubevirt-cpu.yaml',
  comments: 'hash',
  write,
};
