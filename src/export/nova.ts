/**
 * The [libvirt] section of OpenStack Nova's nova.conf on compute hosts: libvirt's model, and flags with "+" and
 * "-". Source: Nova's configuration reference, libvirt.cpu_mode, cpu_models and cpu_model_extra_flags (Train and
 * later; "-" since Xena).
 */
import type { Baseline } from '../baseline/baseline.js';
import { libvirtCpu } from './libvirt.js';
import { note } from './remark.js';
import type { Exported, Target } from './target.js';

function write(baseline: Baseline): Exported {
  const { model, require, disable, remarks } = libvirtCpu(baseline);
  const flags = [...require.map((name) => `+${name}`), ...disable.map((name) => `-${name}`)];
  const lines = [
    '[libvirt]',
    'cpu_mode = custom',
    `cpu_models = ${model}`,
    ...(flags.length === 0 ? [] : [`cpu_model_extra_flags = ${flags.join(', ')}`]),
  ];
  return {
    content: `${lines.join('\n')}\n`,
    remarks: [
      note(
        'For nova.conf of every compute host of the baseline: instances that are started from then on see the baseline, and move between these hosts. Nova of Xena and later.',
      ),
      ...remarks,
    ],
  };
}

export const nova: Target = { name: 'nova', file: 'nova-cpu.conf', comments: 'hash', write };
