/**
 * Recorded hosts. skylake-server-guest.json and qemu-max-guest.json are two QEMU guests as
 * "cpugate probe" saw them (QEMU 7.2, TCG, Linux 6.1). The CPUID of the first was written down in the
 * other tools' formats by a script of its own, without cpugate; the .qmp file is a session with the
 * QEMU of the second, greeting included. crit-cpuinfo.json is criu/haswell.img as crit shows it. The files
 * of libvirt and Kubernetes were written by hand, as those print them.
 */
import { readFileSync } from 'node:fs';
import { openInput } from '../../src/formats/format.js';
import { readHost } from '../../src/formats/index.js';
import { type InputError, isInputError } from '../../src/model/errors.js';
import type { Host } from '../../src/model/host.js';

export const FIXTURES = {
  profile: 'profiles/skylake-server-guest.json',
  maxProfile: 'profiles/qemu-max-guest.json',
  cpudata: 'structured/skylake-server.cpudata.xml',
  firecracker: 'structured/firecracker-fingerprint.json',
  vzcpuidctl: 'structured/vzcpuidctl.json',
  qemuStatic: 'structured/qemu-skylake-server-static.json',
  qemuSession: 'structured/qemu-max-session.qmp',
  capabilities: 'structured/libvirt-capabilities.xml',
  domcapabilities: 'structured/libvirt-domcapabilities.xml',
  domain: 'structured/libvirt-domain.xml',
  crit: 'structured/crit-cpuinfo.json',
  node: 'structured/kubernetes-node.json',
  nodes: 'structured/kubernetes-nodes.json',
} as const;

export type FixtureName = keyof typeof FIXTURES;

export function fixtureBytes(name: FixtureName): Uint8Array {
  return readFileSync(new URL(`../fixtures/${FIXTURES[name]}`, import.meta.url));
}

export function fixtureText(name: FixtureName): string {
  return Buffer.from(fixtureBytes(name)).toString('utf8');
}

/** The JSON of a fixture as a fresh object that a test may change. */
// biome-ignore lint/suspicious/noExplicitAny: tests damage it in ways that no type allows.
export function fixtureJson(name: FixtureName): any {
  return JSON.parse(fixtureText(name));
}

export function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}

export function inputOf(value: unknown) {
  return openInput('input', bytesOf(value));
}

/** Text, or an object that becomes JSON. */
export function readText(value: unknown): Promise<Host> {
  return readHost('input', bytesOf(value));
}

export async function failureOf(value: unknown): Promise<InputError> {
  const bytes = value instanceof Uint8Array ? value : bytesOf(value);
  let host: Host;
  try {
    host = await readHost('input', bytes);
  } catch (error) {
    if (isInputError(error)) return error;
    throw error;
  }
  throw new Error(`was read as ${host.format}`);
}

/** A copy with a change made to it. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
export function changed<T>(value: T, change: (copy: any) => void): T {
  const copy = structuredClone(value);
  change(copy);
  return copy;
}
