/** Bytes ⇄ hosts, and what a host shows. */
import { findFormat, readHost as readInner } from '../formats/index.js';
import { describeHost as describeInner } from '../model/capabilities.js';
import { showJson } from '../report/json.js';
import { bytesOf, usage } from './arguments.js';
import { frozenCopy, giveHost, innerHost } from './handles.js';
import type { Host, HostFormat, HostReport, ReadOptions, Written } from './shapes.js';

/**
 * The host that a file of any readable format tells of; the format is found out by the content.
 * Rejects with InputError where it can't be trusted.
 */
export async function readHost(
  input: Uint8Array | string,
  { name }: ReadOptions = {},
): Promise<Host> {
  const called = name ?? 'input';
  const host = await readInner(called, bytesOf(input, called));
  return giveHost(name === undefined ? host : { ...host, name });
}

const FORMATS = {
  profile: true,
  'cpuid-raw': true,
  criu: true,
  'libvirt-cpudata': true,
  'proc-cpuinfo': true,
} as const satisfies Readonly<Record<HostFormat, true>>;

/**
 * The host in a format: cpugate's own profile, which loses nothing, or another tool's. Rejects with
 * InputError where the host lacks what the format can't do without.
 */
export function writeHost(
  host: Host,
  format?: Exclude<HostFormat, 'criu'>,
): Promise<Written<string>>;
export function writeHost(host: Host, format: 'criu'): Promise<Written<Uint8Array>>;
export function writeHost(host: Host, format?: HostFormat): Promise<Written>;
export async function writeHost(host: Host, format: HostFormat = 'profile'): Promise<Written> {
  const inner = innerHost(host);
  const found = Object.hasOwn(FORMATS, format) ? await findFormat(format) : undefined;
  if (found?.write === undefined)
    throw usage(`no format "${format}" is written`, `Formats: ${Object.keys(FORMATS).join(', ')}.`);
  const { content, lost } = found.write(inner);
  return Object.freeze({ content, remarks: frozenCopy(lost) });
}

/** What tasks on a host can count on; the answer of `cpugate show --json`. */
export function describeHost(host: Host): HostReport {
  const inner = innerHost(host);
  return frozenCopy(showJson(inner, describeInner(inner)));
}
