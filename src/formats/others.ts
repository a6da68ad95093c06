/** Baselines and other tools' formats, in the order in which they are asked: those that are surest come first. */
import { baseline } from './baseline.js';
import { cpuidRaw } from './cpuid-raw.js';
import { crac } from './crac.js';
import { critJson } from './crit-json.js';
import { criuImage } from './criu-image.js';
import { dumpRecord } from './dump-record.js';
import { firecracker } from './firecracker.js';
import { flagList } from './flag-list.js';
import type { Format } from './format.js';
import { instlatx64 } from './instlatx64.js';
import { kernelLog } from './kernel-log.js';
import { kubernetesNode } from './kubernetes-node.js';
import { ldDiagnostics } from './ld-diagnostics.js';
import { libcpuid } from './libcpuid.js';
import { libvirtCpu } from './libvirt-cpu.js';
import { libvirtCpudata } from './libvirt-cpudata.js';
import { lscpu } from './lscpu.js';
import { procCpuinfo } from './proc-cpuinfo.js';
import { qemuCpu } from './qemu-cpu.js';
import { qemuExpansion } from './qemu-expansion.js';
import { vzcpuidctl } from './vzcpuidctl.js';
import { xen } from './xen.js';

export { withKnownDesign } from '../model/known-design.js';
export { completeByLog, splitKernelLog } from './kernel-log.js';
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
  // Before proc-cpuinfo: XenServer's text has flags as well, those of dom0.
  xen,
  procCpuinfo,
  lscpu,
  crac,
  flagList,
  qemuCpu,
  kernelLog,
];
