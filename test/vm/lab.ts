/**
 * Hosts with other CPUs: a program "vmlab" boots a Linux guest on the CPU model that it is told,
 * with this machine's files, and runs one command there. It is looked for in CPUGATE_VMLAB, then
 * beside the project; where it is missing, tests that need it are skipped.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

const candidates = [
  process.env.CPUGATE_VMLAB ?? '',
  join(projectRoot, '..', 'shared', 'vmlab', 'vmlab'),
];

/** For `skipIf(!labIsHere)`. */
export const labIsHere: boolean =
  process.platform === 'linux' && candidates.some((path) => path !== '' && existsSync(path));

export interface Guest {
  /** QEMU's name, with features added or removed: "Haswell,+pku". */
  readonly cpu?: string;
  /** "6.1", "6.12" or "7.2". */
  readonly kernel?: string;
  /** Whether the CPU offers CPUID faulting; default: as real ones do, Intel yes, AMD no. */
  readonly faulting?: boolean;
  readonly cpus?: number;
  /** Folders that the guest may write to, at the same path. */
  readonly shares?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The file tree that the guest runs on; default: this machine's. */
  readonly root?: string;
  /** More kernel parameters. */
  readonly kernelParameters?: string;
  readonly seconds?: number;
}

export interface GuestResult {
  /** The command's; 124 took too long, 125 the guest didn't start. */
  readonly status: number;
  /** Standard output and error as one stream. */
  readonly output: string;
}

/** A model of AMD's faults by another switch. */
function isAmd(cpu: string): boolean {
  return /^(?:EPYC|Opteron|qemu64|max$)/.test(cpu);
}

function labArguments(guest: Guest): string[] {
  const list: string[] = [];
  if (guest.cpu !== undefined) list.push('--cpu', guest.cpu);
  if (guest.kernel !== undefined) list.push('--kernel', guest.kernel);
  if (guest.faulting === false) list.push('--no-fault');
  if (guest.faulting === true && isAmd(guest.cpu ?? '')) list.push('--amd-fault');
  if (guest.root !== undefined) list.push('--root', guest.root);
  if (guest.cpus !== undefined) list.push('--smp', `${guest.cpus}`);
  for (const share of guest.shares ?? []) list.push('--share', share);
  for (const [name, value] of Object.entries(guest.environment ?? {}))
    list.push('--env', `${name}=${value}`);
  if (guest.kernelParameters !== undefined) list.push('--append', guest.kernelParameters);
  list.push('--timeout', `${guest.seconds ?? 100}`);
  return list;
}

/** The lab's word for a guest that stopped before its command did. */
const LAB_FAILED = 125;

/**
 * Runs a command in the project's folder of a new guest. An emulated kernel panics now and then while it
 * boots (seen with two CPUs, once in some hundred boots); that is no word about us, so it boots again.
 */
export async function runInGuest(guest: Guest, command: readonly string[]): Promise<GuestResult> {
  const result = await bootOnce(guest, command);
  if (result.status !== LAB_FAILED || !result.output.includes('Kernel panic')) return result;
  process.stderr.write(`a guest's kernel panicked; it boots again: ${JSON.stringify(guest)}\n`);
  return await bootOnce(guest, command);
}

function bootOnce(guest: Guest, command: readonly string[]): Promise<GuestResult> {
  const lab = candidates.find((path) => path !== '' && existsSync(path));
  if (lab === undefined) throw new Error('no vmlab');
  const options = { cwd: projectRoot, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile(lab, [...labArguments(guest), '--', ...command], options, (error, out, err) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === 'number') resolve({ status, output: out + err });
      else reject(error);
    });
  });
}

/**
 * One JavaScript file of a module of the project, for Node.js in a guest, which has neither a
 * compiler nor time for one. `file` may lie anywhere; the code believes that it lies at its source.
 */
export async function bundleForGuest(source: string, file: string): Promise<void> {
  const path = join(projectRoot, source);
  await build({
    entryPoints: [path],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
    define: {
      'import.meta.filename': JSON.stringify(path),
      'import.meta.url': JSON.stringify(pathToFileURL(path).href),
    },
  });
}
