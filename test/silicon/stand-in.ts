/**
 * A supervisor that any machine can run, for tests: RDMSR stands in for CPUID, because in a program it
 * raises the fault that CPUID raises where faulting works. All of the supervisor but its source of
 * traps is what is shipped (native/supervisor/stand_in_source_test.cc has the rest).
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeMask } from '../../src/mask/bytes.js';
import type { Mask, MaskRow } from '../../src/mask/mask.js';
import type { Registers } from '../../src/model/registers.js';
import { projectRoot } from '../vm/lab.js';
import { maskFile, maskOf } from '../vm/masking/masks.js';
import { supervisorFile } from '../vm/masking/supervisor.js';

const run = promisify(execFile);
const native = join(projectRoot, 'native');
const compiler = process.env.CXX ?? 'g++';
const STAND_IN = 'stand_in_source_test.cc';

/** For the supervisor, and for the programs of test/vm/programs that shall trap under it. */
export const STAND_IN_DEFINITIONS: readonly string[] = ['-DCPUGATE_TRAP_OPCODE=0x32'];

const FLAGS = ['-std=c++20', '-O2', '-fno-exceptions', '-fno-rtti', '-I', join(native, 'include')];

function sources(): string[] {
  const isPart = (name: string) => name === STAND_IN || /(?<!_test)\.cc$/.test(name);
  const own = readdirSync(join(native, 'supervisor')).filter(isPart);
  return [
    ...own.filter((name) => name !== 'faulting_source.cc').map((name) => `supervisor/${name}`),
    ...['child', 'enumerate', 'faulting'].map((name) => `probe/${name}.cc`),
  ];
}

/** Compiles it into a folder, where supervisorFile() finds it. */
export async function buildStandIn(folder: string): Promise<void> {
  const objects = join(folder, 'objects');
  mkdirSync(objects, { recursive: true });
  const left = sources();
  const worker = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const object = join(objects, next.replaceAll('/', '-').replace(/cc$/, 'o'));
      const files = ['-c', join(native, next), '-o', object];
      await run(compiler, [...FLAGS, ...STAND_IN_DEFINITIONS, ...files]);
    }
  };
  await Promise.all([worker(), worker()]);
  const list = readdirSync(objects).map((name) => join(objects, name));
  await run(compiler, ['-static', ...list, '-o', supervisorFile(folder)]);
}

const NONE: Registers = { eax: 0, ebx: 0, ecx: 0, edx: 0 };

/** Whatever this machine's CPU is, it shows all of what the mask leaves of features. */
function shown({ leaf, keep, set }: MaskRow): Registers {
  if (leaf === 1) return { ...set, ecx: keep.ecx | set.ecx, edx: keep.edx | set.edx };
  if (leaf === 7) return { ...keep, eax: set.eax };
  return set;
}

export function standInMask(): Mask {
  const mask = maskOf('ivybridge');
  return { ...mask, rows: mask.rows.map((row) => ({ ...row, set: { ...NONE, ...shown(row) } })) };
}

export function writeStandInMask(folder: string): void {
  writeFileSync(maskFile(folder, 'ivybridge'), encodeMask(standInMask()));
}
