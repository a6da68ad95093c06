/** Builds a test program of native/ with AddressSanitizer and UndefinedBehaviorSanitizer, and runs it. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const native = fileURLToPath(new URL('../../native', import.meta.url));
const execute = promisify(execFile);
const compiler = process.env.CXX ?? 'g++';

const WARNINGS = ['-Wall', '-Wextra', '-Wconversion', '-Werror'];
const COMMON = ['-std=c++20', '-pthread', '-I', join(native, 'include'), ...WARNINGS];

const FLAGS = [
  ...[...COMMON, '-O1', '-g1'],
  ...['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'],
];

/** As binding.gyp builds them: what the optimizer makes of undefined behaviour shows. */
export const PLAIN: readonly string[] = [...COMMON, '-O2', '-fno-exceptions', '-fno-rtti'];

/** For `skipIf(!compilerIsHere)`: a compiler that has the sanitizers' libraries. */
export const compilerIsHere: boolean = (() => {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  const trial = spawnSync(compiler, [...FLAGS, '-x', 'c++', '-', '-o', '/dev/null'], {
    input: 'int main() {}',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return trial.status === 0;
})();

const CPU = ['cpu/affinity.cc', 'cpu/cpuid.cc'];

/** What the supervisor's answers are made by. */
export const ANSWERS: readonly string[] = [
  ...['answer.cc', 'mask.cc', 'self_arming.cc', 'stat_file.cc', 'task_cpu.cc'].map(
    (name) => `supervisor/${name}`,
  ),
  ...CPU,
];

/** What the supervisor and this machine have to do with each other. */
export const SUPERVISOR_HERE: readonly string[] = [
  ...['supervisor/machine_test.cc', 'supervisor/task_status.cc'],
  ...['probe/cpus.cc', 'probe/enumerate.cc'],
  ...ANSWERS,
];

/** What the probe and this machine have. */
export const PROBE_HERE: readonly string[] = [
  ...['machine_test.cc', 'child.cc', 'cpus.cc', 'enumerate.cc', 'faulting.cc'].map(
    (name) => `probe/${name}`,
  ),
  ...CPU,
];

/** Sources are relative to native/. */
export async function build(
  program: string,
  sources: readonly string[],
  flags: readonly string[] = FLAGS,
): Promise<void> {
  const paths = sources.map((source) => join(native, source));
  await execute(compiler, [...flags, ...paths, '-o', program]);
}

/** Rejects, with all output, where the program fails. */
export async function buildAndRun(
  sources: readonly string[],
  flags: readonly string[] = FLAGS,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-native-'));
  try {
    const program = join(folder, 'program');
    await build(program, sources, flags);
    const { stdout, stderr } = await execute(program, [], { timeout: 60_000 });
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
