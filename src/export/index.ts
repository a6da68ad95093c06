/** Every target, by name. */
import { clearcpuid } from './clearcpuid.js';
import { clang, gcc } from './compilers.js';
import { crac } from './crac.js';
import { criu } from './criu.js';
import { firecracker } from './firecracker.js';
import { gentoo } from './gentoo.js';
import { glibc } from './glibc.js';
import { gvisor } from './gvisor.js';
import { kubevirt } from './kubevirt.js';
import { go, oci, spack } from './levels.js';
import { libvirt } from './libvirt.js';
import { libvirtcpuid } from './libvirtcpuid.js';
import { nfd } from './nfd.js';
import { nfdImage } from './nfd-image.js';
import { nodeaffinity } from './nodeaffinity.js';
import { nova } from './nova.js';
import { openvz } from './openvz.js';
import { proxmox } from './proxmox.js';
import { qemu } from './qemu.js';
import { rr } from './rr.js';
import { runtimes } from './runtimes.js';
import { rust } from './rust.js';
import { supervisor } from './supervisor.js';
import type { Target } from './target.js';
import type { TargetName } from './target-names.js';
import { xen } from './xen.js';
import { zig } from './zig.js';

const TARGETS: Readonly<Record<TargetName, Target>> = {
  qemu,
  libvirt,
  proxmox,
  kubevirt,
  nova,
  xen,
  firecracker,
  gcc,
  clang,
  rust,
  zig,
  go,
  spack,
  gentoo,
  oci,
  glibc,
  runtimes,
  crac,
  nodeaffinity,
  nfd,
  'nfd-image': nfdImage,
  clearcpuid,
  openvz,
  libvirtcpuid,
  rr,
  gvisor,
  criu,
  supervisor,
};

/** Those that --format says something to. */
export const ENVIRONMENT_TARGETS: readonly TargetName[] = Object.values(TARGETS)
  .filter(({ isEnvironment }) => isEnvironment)
  .map(({ name }) => name);

export function findTarget(name: string): Target | undefined {
  return Object.hasOwn(TARGETS, name) ? TARGETS[name as TargetName] : undefined;
}
