/** Baselines and other tools' formats, in the order in which they are asked: those that are surest come first. */
import { baseline } from './baseline.js';
import { cpuidRaw } from './cpuid-raw.js';
import { crac } from './crac.js';
import { critJson } from './crit-json.js';
import { criuImage } from './criu-image.js';
import { dumpRecord } from './dump-record.js';
import { firecracker } from './firecracker.js';
import type { Format } from './format.js';
import { instlatx64 } from './instlatx64.js';
import { kubernetesNode } from './kubernetes-node.js';
import { ldDiagnostics } from './ld-diagnostics.js';
import { libcpuid } from './libcpuid.js';
import { libvirtCpu } from './libvirt-cpu.js';
import { libvirtCpudata } from './libvirt-cpudata.js';
import { lscpu } from './lscpu.js';
import { procCpuinfo } from './proc-cpuinfo.js';
import { qemuExpansion } from './qemu-expansion.js';
import { vzcpuidctl } from './vzcpuidctl.js';

export { withKnownDesign } from '../model/known-design.js';
export { withoutPasteMarks } from './pasted.js';

export const OTHERS: readonly Format[] = [
  // Before baseline: it may hold one.
  dumpRecord,
  baseline,
  criuImage,
  critJson,
  kubernetesNode,
  firecracker,
  vzcpuidctl,
  qemuExpansion,
  libvirtCpu,
  libvirtCpudata,
  ldDiagnostics,
  libcpuid,
  cpuidRaw,
  instlatx64,
  procCpuinfo,
  lscpu,
  crac,
];
