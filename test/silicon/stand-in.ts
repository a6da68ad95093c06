/**
 * A supervisor that any machine can run, for tests: RDMSR stands in for CPUID, because in a program it
 * raises the fault that CPUID raises where faulting works. All of the supervisor but its source of
 * traps is what is shipped (native/supervisor/stand_in_source_test.cc has the rest).
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeMask } from '../../src/mask/bytes.js';
import type { Mask, MaskRow } from '../../src/mask/mask.js';
import type { Registers } from '../../src/model/registers.js';
import { projectRoot } from '../vm/lab.js';
import { MASK_NAMES, type MaskName, maskFile, maskOf } from '../vm/masking/masks.js';
import { supervisorFile } from '../vm/masking/supervisor.js';

const run = promisify(execFile);
const native = join(projectRoot, 'native');
const compiler = process.env.CXX ?? 'g++';
const STAND_IN = 'stand_in_source_test';

/** For the supervisor, and for the programs of test/vm/programs that shall trap under it. */
export const STAND_IN_DEFINITIONS: readonly string[] = ['-DCPUGATE_TRAP_OPCODE=0x32'];

const FLAGS = ['-std=c++20', '-O2', '-fno-exceptions', '-fno-rtti', '-I', join(native, 'include')];

/** For `skipIf(!compilerIsHere)`: one that makes static programs of the language of today. */
export const compilerIsHere: boolean = (() => {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  const trial = spawnSync(compiler, [...FLAGS, '-static', '-x', 'c++', '-', '-o', '/dev/null'], {
    input: '#include <coroutine>\n#include <string>\nint main() {}',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return trial.status === 0;
})();

/** As binding.gyp lists them, with the other source of traps. */
function sources(): string[] {
  const recipes = readFileSync(join(native, 'binding.gyp'), 'utf8');
  const [, recipe = ''] = recipes.split("'target_name': 'cpugate-supervisor'");
  const [, list = ''] = /'sources': \[([^\]]*)\]/.exec(recipe) ?? [];
  const names = [...list.matchAll(/'([^']+\.cc)'/g)].map(([, name]) => name ?? '');
  return names.map((name) => name.replace('faulting_source', STAND_IN));
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

export function standInMask(name: MaskName = 'ivybridge'): Mask {
  const mask = maskOf(name);
  return { ...mask, rows: mask.rows.map((row) => ({ ...row, set: { ...NONE, ...shown(row) } })) };
}

export function writeStandInMasks(folder: string): void {
  for (const name of MASK_NAMES)
    writeFileSync(maskFile(folder, name), encodeMask(standInMask(name)));
}
