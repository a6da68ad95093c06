/** Every target, by name. */
import { clearcpuid } from './clearcpuid.js';
import { clang, gcc } from './compilers.js';
import { firecracker } from './firecracker.js';
import { glibc } from './glibc.js';
import { libvirt } from './libvirt.js';
import { nfd } from './nfd.js';
import { nodeaffinity } from './nodeaffinity.js';
import { qemu } from './qemu.js';
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
};

export function findTarget(name: string): Target | undefined {
  return Object.hasOwn(TARGETS, name) ? TARGETS[name as TargetName] : undefined;
}
