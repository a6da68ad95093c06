/** Every target, by name. */
import { clearcpuid } from './clearcpuid.js';
import { clang, gcc } from './compilers.js';
import { criu } from './criu.js';
import { firecracker } from './firecracker.js';
import { glibc } from './glibc.js';
import { gvisor } from './gvisor.js';
import { libvirt } from './libvirt.js';
import { libvirtcpuid } from './libvirtcpuid.js';
import { nfd } from './nfd.js';
import { nodeaffinity } from './nodeaffinity.js';
import { openvz } from './openvz.js';
import { qemu } from './qemu.js';
import { rr } from './rr.js';
import { runtimes } from './runtimes.js';
import type { Target } from './target.js';
import type { TargetName } from './target-names.js';

const TARGETS: Readonly<Record<TargetName, Target>> = {
  qemu,
  libvirt,
  firecracker,
  gcc,
  clang,
  glibc,
  runtimes,
  nodeaffinity,
  nfd,
  clearcpuid,
  openvz,
  libvirtcpuid,
  rr,
  gvisor,
  criu,
};

/** Those that --format says something to. */
export const ENVIRONMENT_TARGETS: readonly TargetName[] = Object.values(TARGETS)
  .filter(({ isEnvironment }) => isEnvironment)
  .map(({ name }) => name);

export function findTarget(name: string): Target | undefined {
  return Object.hasOwn(TARGETS, name) ? TARGETS[name as TargetName] : undefined;
}
