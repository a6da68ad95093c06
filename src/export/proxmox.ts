/**
 * A custom CPU model of Proxmox VE, for /etc/pve/virtual-guest/cpu-models.conf. Its flags are QEMU's, and Proxmox
 * starts QEMU with "enforce". It knows some models of QEMU only, by their names without a version.
 * Source: PVE/QemuServer/CPUConfig.pm of qemu-server (7.x and later).
 */
import type { Baseline } from '../baseline/baseline.js';
import { fingerprint } from '../baseline/fingerprint.js';
import { featureRow } from '../catalogue/index.js';
import { QEMU_FLOOR } from '../catalogue/qemu-models.js';
import { isSince } from '../model/release.js';
import { qemuNameSince } from './qemu.js';
import { notExpressed, note } from './remark.js';
import type { Exported, Target } from './target.js';
import {
  chooseModel,
  keptNotes,
  kernelNotes,
  leftOut,
  vendorConditions,
  wantedFeatures,
} from './virtual-model.js';

/** Of QEMU's models with such a name, those that Proxmox doesn't take as reported-model in each release. */
const NOT_THERE = /^(?:Cooperlake|Snowridge|Dhyana)$/;

function write(baseline: Baseline): Exported {
  const wanted = wantedFeatures(baseline);
  const named = wanted.filter((name) => {
    const since = qemuNameSince(name);
    return since !== undefined && isSince(QEMU_FLOOR, since);
  });
  const cpu = chooseModel(
    named,
    baseline,
    ({ libvirt, since }) =>
      libvirt !== undefined && since === undefined && !NOT_THERE.test(libvirt),
  );
  const flag = (sign: string) => (name: (typeof named)[number]) =>
    `${sign}${featureRow(name).names?.qemu}`;
  const flags = [...cpu.plus.map(flag('+')), ...[...cpu.minus, ...cpu.off].map(flag('-'))];
  const name = `cpugate-${fingerprint(baseline.features.join(' '))}`;
  const nameless = wanted.filter((one) => !named.includes(one));
  const lines = [
    `cpu-model: ${name}`,
    ...(flags.length === 0 ? [] : [`    flags ${flags.join(';')}`]),
    `    reported-model ${cpu.model.libvirt}`,
  ];
  return {
    content: `${lines.join('\n')}\n`,
    remarks: [
      note(
        `A CPU model for virtual machines whose tasks see the baseline: append it to /etc/pve/virtual-guest/cpu-models.conf, then "qm set VMID --cpu custom-${name}". Proxmox VE 7 and later.`,
      ),
      ...kernelNotes(cpu, (one) => featureRow(one).names?.qemu),
      ...keptNotes(baseline),
      ...vendorConditions(baseline.vendors),
      ...(nameless.length === 0
        ? []
        : [notExpressed(`QEMU ${QEMU_FLOOR} has no name for ${nameless.join(', ')}.`)]),
      ...leftOut(baseline),
    ],
  };
}

export const proxmox: Target = {
  name: 'proxmox',
  file: 'cpu-models.conf',
  comments: 'hash',
  write,
};
