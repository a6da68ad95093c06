/** The supervisor's parts that trace nothing; what is tried is in the programs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { saidBySupervisor } from '../../src/enforce/supervisor.js';
import { loadAddon } from '../../src/probe/addon.js';
import { ANSWERS, buildAndRun, compilerIsHere, PLAIN, SUPERVISOR_HERE } from './sanitized.js';

const PROGRAMS = [
  ['mask files', ['supervisor/mask_test.cc', 'supervisor/mask.cc']],
  [
    'small pieces',
    ['supervisor/pieces_test.cc', 'supervisor/instruction.cc', 'supervisor/printable.cc'],
  ],
  [
    'states and decisions',
    [
      'supervisor/states_test.cc',
      'supervisor/stat_file.cc',
      'supervisor/states.cc',
      'supervisor/segv_action.cc',
      'supervisor/cpuid_trap.cc',
      'supervisor/code_patches.cc',
      'supervisor/memory_map.cc',
      'supervisor/interrupted_call.cc',
      'supervisor/memory.cc',
      'supervisor/remote.cc',
      'supervisor/rseq.cc',
      'supervisor/tracee.cc',
      'supervisor/auxv.cc',
      'supervisor/instruction.cc',
      'supervisor/task_status.cc',
      'supervisor/complain.cc',
      'supervisor/printable.cc',
    ],
  ],
  ['instructions', ['supervisor/decode_test.cc', 'supervisor/decode.cc']],
  [
    'code',
    [
      'supervisor/code_test.cc',
      'supervisor/code_patches.cc',
      'supervisor/code_sites.cc',
      'supervisor/decode.cc',
      'supervisor/instruction.cc',
      'supervisor/memory_map.cc',
    ],
  ],
  ['masked CPUs', ['supervisor/answer_test.cc', 'probe/enumerate.cc', ...ANSWERS]],
  ['this machine', SUPERVISOR_HERE],
] as const;

describe.skipIf(!compilerIsHere)('native/supervisor', () => {
  test.concurrent.each(PROGRAMS)(
    '%s, sanitized',
    async (_, sources) => {
      expect(await buildAndRun(sources)).toMatch(/^\d+ passed, 0 failed$/m);
    },
    300_000,
  );
});

describe.skipIf(!compilerIsHere)('native/supervisor, optimized', () => {
  const pure = PROGRAMS.filter(([name]) => name !== 'this machine');
  test.concurrent.each(pure)(
    '%s',
    async (_, sources) => {
      expect(await buildAndRun(sources, PLAIN)).toMatch(/^\d+ passed, 0 failed$/m);
    },
    300_000,
  );
});

const supervisor = fileURLToPath(
  new URL('../../native/build/Release/cpugate-supervisor', import.meta.url),
);

/** AT_HWCAP and AT_MINSIGSTKSZ of a process, which all processes of a machine share. */
function auxiliaryValue(type: bigint): bigint | undefined {
  const words = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer);
  for (let at = 0; at + 1 < words.length; at += 2) if (words[at] === type) return words[at + 1];
  return undefined;
}

const hex = (value: bigint | undefined) => value?.toString(16);

describe.skipIf(!existsSync(supervisor))('"cpugate-supervisor probe"', () => {
  const lines = existsSync(supervisor)
    ? execFileSync(supervisor, ['probe'], { encoding: 'utf8' }).trimEnd().split('\n')
    : [];
  const told = new Map(lines.map((line) => line.split(' ', 2) as [string, string]));
  const rows = lines.filter((line) => /^[0-9a-f]+( [0-9a-f]+){5}$/.test(line));

  test('tells the rows that the addon tells of one of the CPUs', () => {
    const cpus = loadAddon()
      .probeCpus()
      .map(({ leaves }) =>
        Array.from({ length: leaves.length / 6 }, (_, place) =>
          [...leaves.subarray(6 * place, 6 * place + 2)].map((word) => word.toString(16)).join(' '),
        ),
      );
    const questions = rows.map((row) => row.split(' ', 2).join(' '));
    expect(cpus).toContainEqual(questions);
  });

  test('and the vendor in leaf 0', () => {
    const [, , , ebx, ecx, edx] = rows[0]?.split(' ') ?? [];
    const name = Buffer.alloc(12);
    [ebx, edx, ecx].forEach((word, place) => {
      name.writeUInt32LE(Number.parseInt(word ?? '', 16), 4 * place);
    });
    expect(readFileSync('/proc/cpuinfo', 'latin1')).toContain(`: ${name.toString('latin1')}\n`);
  });

  test('and what the kernel tells', () => {
    const [first] = loadAddon().probeCpus();
    expect(told.get('xcr0')).toBe(hex(first?.xcr0));
    expect(told.get('xcomp-supp')).toBe(hex(loadAddon().xcompSupported()));
    expect(told.get('hwcap')).toBe(hex(auxiliaryValue(16n)));
    expect(told.get('hwcap2')).toBe(hex(auxiliaryValue(26n)));
    expect(told.get('minsigstksz')).toBe(auxiliaryValue(51n)?.toString());
  });

  test('and nothing else', () => {
    const names = lines.filter((line) => !rows.includes(line)).map((line) => line.split(' ')[0]);
    const known = ['xcr0', 'xcr0-in-use', 'hwcap', 'hwcap2', 'minsigstksz', 'arch-get-cpuid'];
    expect(new Set([...known, 'xcomp-supp'])).toEqual(new Set([...known, 'xcomp-supp', ...names]));
  });
});

describe.skipIf(!existsSync(supervisor))('"cpugate-supervisor measure"', () => {
  test('gives figures where CPUID faults, and elsewhere says that it does not', () => {
    const { status, stdout, stderr } = spawnSync(supervisor, ['measure'], { encoding: 'utf8' });
    const names = stdout.split('\n').map((line) => line.split(' ')[0]);
    if (loadAddon().cpuidFaulting().how === 'works') {
      expect(status, stderr).toBe(0);
      expect(names).toEqual(
        expect.arrayContaining(['switch-unmasked', 'switch-mixed', 'switch-masked']),
      );
    } else {
      expect(status).toBe(69);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^cpugate: .*CPUID.*\n$/);
    }
  });
});

describe.skipIf(!existsSync(supervisor))('what the supervisor complains of', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-supervisor-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const nowhere = join(folder, 'nowhere');

  test.each<[string, readonly string[], RegExp]>([
    ['a mask that is not there', ['check-mask', nowhere], /can't be opened/],
    ['a mask that is none', ['run', '--mask', supervisor, '--', 'true'], /is not a mask file/],
    ['a number that is none', ['control', '--pid', 'x', 'status'], /"x" is not a process id/],
    [
      'a task that it does not hold',
      ['control', '--pid', `${process.pid}`, '--runtime-dir', folder, 'status'],
      /isn't supervised/,
    ],
    [
      'a folder without supervisors',
      ['control', '--pid', `${process.pid}`, '--runtime-dir', nowhere, 'status'],
      /isn't supervised: no supervisor is running/,
    ],
  ])('%s stands under the name of the program that people call', (_, args, says) => {
    const { status, stderr } = spawnSync(supervisor, args, { encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/^cpugate: [^\n]+\n$/);
    expect(stderr).toMatch(says);
  });

  test('is quoted in other messages without that name', () => {
    expect(saidBySupervisor('cpugate: no\ncpugate: never\n')).toBe('no\nnever');
  });
});
