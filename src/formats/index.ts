/**
 * From bytes to a host, whatever format they are in: it is found out by the content. cpugate's own
 * formats are tried first; the others are loaded only when it is none of those, since their parsers
 * cost more than a check does.
 */
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { type Format, type Input, openInput } from './format.js';
import { namedProfile } from './named-profile.js';
import { profile } from './profile.js';

const OWN: readonly Format[] = [profile, namedProfile];

/** In the order in which they are asked: those that need a certain start come first. */
async function loadOthers(): Promise<readonly Format[]> {
  const [
    { criuImage },
    { firecracker },
    { vzcpuidctl },
    { qemuExpansion },
    { libvirtCpudata },
    { libcpuid },
    { cpuidRaw },
    { instlatx64 },
    { procCpuinfo },
  ] = await Promise.all([
    import('./criu-image.js'),
    import('./firecracker.js'),
    import('./vzcpuidctl.js'),
    import('./qemu-expansion.js'),
    import('./libvirt-cpudata.js'),
    import('./libcpuid.js'),
    import('./cpuid-raw.js'),
    import('./instlatx64.js'),
    import('./proc-cpuinfo.js'),
  ]);
  return [
    criuImage,
    firecracker,
    vzcpuidctl,
    qemuExpansion,
    libvirtCpudata,
    libcpuid,
    cpuidRaw,
    instlatx64,
    procCpuinfo,
  ];
}

async function loadAll(): Promise<readonly Format[]> {
  return [...OWN, ...(await loadOthers())];
}

function unknownFormat(input: Input, formats: readonly Format[]): InputError {
  const place = { file: input.name };
  if (input.bytes.length === 0) return new InputError('unknown-format', 'is empty', { place });
  const broken = input.head.trimStart().startsWith('{') && input.jsonError();
  if (typeof broken === 'string')
    return new InputError('malformed', `is not valid JSON: ${broken}`, { place });
  return new InputError('unknown-format', 'is of no format that can be read', {
    place,
    remedy: `Looked for: ${formats.map((format) => format.title).join('; ')}.`,
  });
}

/** Throws InputError for anything that can't be read as a host. */
export async function readHost(name: string, bytes: Uint8Array): Promise<Host> {
  const input = openInput(name, bytes);
  let found = OWN.find((format) => format.recognise(input));
  if (found === undefined) {
    const others = await loadOthers();
    found = others.find((format) => format.recognise(input));
    if (found === undefined) throw unknownFormat(input, [...OWN, ...others]);
  }
  return found.read(input);
}

/** The format of this name, for writing. */
export async function findFormat(name: string): Promise<Format | undefined> {
  return (await loadAll()).find((format) => format.name === name);
}
