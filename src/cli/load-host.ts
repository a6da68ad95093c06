/** From what the user wrote to a host. */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { compressionOf } from '../formats/archives/compression.js';
import { MAX_INPUT_BYTES } from '../formats/format.js';
import { readEachHost, readHost } from '../formats/index.js';
import { findProfileName, profileSpellings } from '../formats/named-profile.js';
import { RECORD_NAME } from '../model/dump-record.js';
import { InputError, isInputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { suggest, suggestName } from '../model/suggest.js';
import { packageRoot } from '../probe/package-root.js';

function tooLarge(name: string): InputError {
  return new InputError('too-large', `is larger than ${MAX_INPUT_BYTES / 1024 / 1024} MiB`, {
    place: { file: name },
    remedy: 'No dump of a CPU is that large; give the dump itself.',
  });
}

const MODELS_LISTED = '"cpugate show --models" lists the models.';

/** Whoever writes a path, or a file's name with its ending, means no model. */
export function isPath(name: string): boolean {
  return name.includes('/') || /\.[a-z]\w*$/i.test(name);
}

function missingFile(name: string, cause: unknown): InputError {
  if (name === '')
    return new InputError('unreadable', 'an empty name is no file and no CPU model', {
      remedy: 'A variable that a script has not set gives one.',
      cause,
    });
  if (isPath(name)) return unreadable(name, cause);
  const names: [string, string][] = [['localhost', 'localhost'], ...profileSpellings()];
  return new InputError('unreadable', 'no such file, and no CPU model of this name', {
    place: { file: name },
    remedy: suggestName(name, names, MODELS_LISTED),
    cause,
  });
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'may not be read (permission denied)',
  EPERM: 'may not be read (not permitted)',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: "can't be found: a part of its path is a file, not a folder",
  ELOOP: "can't be found: its symbolic links lead round in a circle",
  ENAMETOOLONG: 'has too long a name for any file',
  ENXIO: 'is a socket or a device that is not there',
  EIO: "can't be read: the device fails",
};

/** What the system's error means to a user who has named a file. */
export function unreadable(name: string, error: unknown): InputError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const said = Object.hasOwn(SYSTEM_ERRORS, code) ? SYSTEM_ERRORS[code] : undefined;
  return new InputError('unreadable', said ?? `can't be read (${code})`, {
    place: { file: name },
    cause: error,
  });
}

/** The same to one who may have named a CPU model. */
export function readError(name: string, error: unknown): InputError {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? missingFile(name, error) : unreadable(name, error);
}

/** Compressed, or tar in its two ways; whether its header is one, its reader finds out. */
function beginsArchive(head: Buffer): boolean {
  if (compressionOf(head) !== undefined) return true;
  return head.length === 512 && head.toString('latin1', 257, 262) === 'ustar';
}

/** Reads to the end, a file, pipe or terminal, and stops where it gets too large. */
function readBounded(name: string, descriptor: number): Uint8Array {
  const stat = fstatSync(descriptor);
  if (stat.isDirectory()) throw readError(name, { code: 'EISDIR' });
  if (stat.isFile() && stat.size > MAX_INPUT_BYTES) throw tooLarge(name);
  const chunks: Buffer[] = [];
  let total = 0;
  const expected = stat.isFile() ? stat.size + 1 : 65536;
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.max(4096, Math.min(expected, 1 << 20)));
    const count = readSync(descriptor, chunk, 0, chunk.length, null);
    if (count === 0) return Buffer.concat(chunks, total);
    total += count;
    if (total > MAX_INPUT_BYTES) throw tooLarge(name);
    chunks.push(chunk.subarray(0, count));
  }
}

export function readFile(path: string, name: string): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw readError(name, error);
  }
  try {
    return readBounded(name, descriptor);
  } catch (error) {
    throw isInputError(error) ? error : readError(name, error);
  } finally {
    closeSync(descriptor);
  }
}

export function readStandardInput(): Uint8Array {
  try {
    const bytes = readBounded('standard input', 0);
    if (beginsArchive(Buffer.from(bytes.subarray(0, 512))))
      throw new InputError('unreadable', 'is an archive', {
        place: { file: 'standard input' },
        remedy: 'Name its file: what lies at its end may be wanted first.',
      });
    return bytes;
  } catch (error) {
    throw isInputError(error) ? error : readError('standard input', error);
  }
}

/**
 * QEMU's name of a CPU, with features or without: "qemu:Haswell,+pku", or one that nothing else is called by,
 * "Skylake-Server-v4", "Haswell-noTSX-IBRS". Which names there are isn't known without a table that no other
 * command needs.
 */
const VIRTUAL_CPU =
  /^(?:qemu:[^/]+|(?=[A-Z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*-(?:v\d{1,2}|IBRS|IBPB|noTSX|noTSX-IBRS)|(?:kvm64|qemu64)(?:-v1)?|x86-64-v2-AES)$/;

export function isVirtualCpu(wanted: string): boolean {
  return VIRTUAL_CPU.test(wanted) && findProfileName(wanted) === undefined;
}

/** A cloud's name for machines; which there are isn't known without their table. */
const CLOUD_NAME = /^(?:aws|azure|gcp):/i;

export function isCloudMachine(wanted: string): boolean {
  return CLOUD_NAME.test(wanted);
}

/** A name that means a host wherever it is written, whatever files there are. */
export function isNamedHost(wanted: string): boolean {
  return (
    wanted === 'localhost' ||
    findProfileName(wanted) !== undefined ||
    isVirtualCpu(wanted) ||
    isCloudMachine(wanted)
  );
}

/**
 * Each CPU that a machine of the cloud's family may have, by its profile. Throws InputError for a family that
 * isn't known.
 */
export async function loadFamily(wanted: string): Promise<readonly Host[]> {
  const { cloudFamilyNames, findCloudFamily } = await import('../catalogue/cloud-families.js');
  const family = findCloudFamily(wanted);
  if (family === undefined)
    throw new InputError('unknown-model', 'no document at hand names the CPU of such machines', {
      place: { file: wanted },
      remedy: suggest(wanted, cloudFamilyNames(), 'Record a machine: "cpugate probe".'),
    });
  const hosts = await Promise.all(family.profiles.map((profile) => loadHost(profile)));
  return hosts.map((host, place) => ({
    ...host,
    name: `${wanted} (${family.profiles[place]})`,
    remarks: [
      ...host.remarks,
      `By its provider's document (${family.asOf}); a hypervisor shows this or less.`,
    ],
  }));
}

export function isFolder(wanted: string): boolean {
  if (wanted === '-' || isNamedHost(wanted)) return false;
  try {
    return statSync(wanted).isDirectory();
  } catch {
    return false;
  }
}

/** What an engine puts around CRIU's images, and what CRIU writes before a dump is whole. */
const OF_DUMPS = [
  'inventory.img',
  'cpuinfo.img',
  RECORD_NAME,
  'checkpoint/inventory.img',
  'config.dump',
  'spec.dump',
  'oci-layout',
];
/** A dump that failed has them, and no inventory. */
const REMAINS = /^(?:core|mm|pagemap|pages)-\d+\.img$/;

/** What CRIU, or cpugate beside it, has written tells one CPU; other folders hold many hosts. */
export function isImageFolder(path: string): boolean {
  if (OF_DUMPS.some((name) => existsSync(join(path, name)))) return true;
  try {
    return readdirSync(path).some((name) => REMAINS.test(name));
  } catch {
    return false;
  }
}

/** By its first bytes; what can't be read is none. */
export function isArchive(wanted: string): boolean {
  if (wanted === '-' || isNamedHost(wanted)) return false;
  let descriptor: number | undefined;
  try {
    if (!statSync(wanted).isFile()) return false;
    descriptor = openSync(wanted, 'r');
    const head = Buffer.alloc(512);
    return beginsArchive(head.subarray(0, readSync(descriptor, head, 0, head.length, 0)));
  } catch {
    return false;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Whether it may hold tasks, and not a CPU alone. */
export function isDumpLike(wanted: string): boolean {
  return (isFolder(wanted) && isImageFolder(wanted)) || isArchive(wanted);
}

async function loadDumpHost(wanted: string): Promise<Host> {
  const images = await import('./load-images.js');
  return images.loadDumpHost(wanted);
}

async function loadFolder(path: string): Promise<Host> {
  if (!isImageFolder(path))
    throw new InputError('not-enough-data', 'is a folder, and no dump of CRIU', {
      place: { file: path },
      remedy:
        `Of all hosts in it: "cpugate matrix ${path}" tells who can go where, "cpugate baseline ${path}" ` +
        `what they have in common, "cpugate show ${path}" what each of them is.`,
    });
  return loadDumpHost(path);
}

/**
 * A name of a model or "localhost" means that, never a file of the same name in the current folder:
 * what a command means mustn't depend on where it runs. Throws InputError.
 */
export async function loadHost(
  wanted: string,
  told: { readonly kernel?: string | undefined } = {},
): Promise<Host> {
  if (wanted === 'localhost') {
    const { probeHost } = await import('../probe/index.js');
    return probeHost();
  }
  if (wanted === '-') return readHost('standard input', readStandardInput(), told);
  const model = findProfileName(wanted);
  if (model !== undefined) {
    const root = packageRoot(import.meta.filename) ?? '.';
    const path = join(root, 'cpu-profiles', `${model}.json`);
    return readHost(model, readFile(path, model));
  }
  if (isCloudMachine(wanted)) {
    const [host, ...others] = await loadFamily(wanted);
    if (host !== undefined && others.length === 0) return host;
    throw new InputError(
      'several-hosts',
      `machines of ${wanted} have one of ${others.length + 1} CPUs`,
      {
        place: { file: wanted },
        remedy:
          'Name the profile of one. "cpugate check", "baseline", "matrix" and "show" take all of them.',
      },
    );
  }
  if (isVirtualCpu(wanted)) {
    const { hostOfQemuCpu } = await import('../formats/qemu-cpu.js');
    return hostOfQemuCpu(wanted, wanted.replace(/^qemu:/, ''));
  }
  if (isFolder(wanted)) return loadFolder(wanted);
  if (isArchive(wanted)) return loadDumpHost(wanted);
  return readHost(wanted, readFile(wanted, wanted), told);
}

/** Every host of what is named: a file may hold several. Each call gives one or throws InputError. */
export async function loadEachHost(
  wanted: string,
  told: { readonly kernel?: string | undefined } = {},
): Promise<readonly (() => Host)[]> {
  if (wanted === '-') return readEachHost('standard input', readStandardInput(), told);
  if (isCloudMachine(wanted)) return (await loadFamily(wanted)).map((host) => () => host);
  if (isNamedHost(wanted) || isFolder(wanted) || isArchive(wanted)) {
    const host = await loadHost(wanted, told);
    return [() => host];
  }
  return readEachHost(wanted, readFile(wanted, wanted), told);
}
