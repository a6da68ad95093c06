/** Programs that people run, under a mask: they work, and what they say of the CPU is the mask's. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isHere } from '../export/tools.js';
import { labIsHere } from './lab.js';
import { buildGo, buildJava, buildPrograms, type Programs } from './masking/build-programs.js';
import { runCases } from './masking/in-guest.js';
import { maskFile, writeMasks } from './masking/masks.js';
import { REAL_PROGRAMS } from './masking/real-programs.js';
import type { GuestOutcome } from './masking/run-cases.js';
import { copySupervisor, supervisorIsHere, underMask } from './masking/supervisor.js';

const MODES = ['bare', 'masked'] as const;
const ROWS = REAL_PROGRAMS.flatMap((program) =>
  MODES.filter((mode) => program[mode] !== undefined).map((mode) => ({
    name: `${program.name}, ${mode}`,
    program,
    mode,
  })),
);

describe.skipIf(!labIsHere || !supervisorIsHere)('under a mask without AVX2', () => {
  let programs: Programs;
  let outcomes: ReadonlyMap<string, GuestOutcome>;

  beforeAll(async () => {
    programs = await buildPrograms([]);
    const { folder } = programs;
    writeMasks(folder);
    copySupervisor(folder);
    await buildGo(join(folder, 'sees.go'), join(folder, 'go-cache'));
    await buildJava(folder);
    const cases = ROWS.filter(({ program }) => program.isHere).map(({ name, program, mode }) => {
      const command = program.command.map((word) => word.replace(/^@/, folder));
      return {
        name,
        command:
          mode === 'bare' ? command : underMask(folder, maskFile(folder, 'ivybridge'), command),
        environment: { SIGHT: mode },
        seconds: 120,
      };
    });
    outcomes = await runCases(
      { cpu: 'Haswell', kernel: '6.1', cpus: 2, seconds: 580 },
      folder,
      cases,
    );
  }, 600_000);
  afterAll(() => programs?.remove());

  for (const { name, program, mode } of ROWS)
    test.skipIf(!program.isHere)(name, () => {
      const outcome = outcomes.get(name);
      expect(outcome?.status, outcome?.output).toBe(0);
      for (const said of program[mode] ?? []) expect(outcome?.output).toMatch(said);
      expect(outcome?.left).toEqual([]);
    });

  test.skipIf(!isHere('openssl', 'version'))('OpenSSL finds no AVX2', () => {
    const output = outcomes.get('openssl, masked')?.output ?? '';
    const found = /OPENSSL_ia32cap=0x([0-9a-f]+):0x([0-9a-f]+)/.exec(output);
    expect(BigInt(`0x${found?.[2] ?? 'ff'}`) & (1n << 5n)).toBe(0n);
    expect(BigInt(`0x${found?.[1] ?? '0'}`) & (1n << 60n)).toBe(1n << 60n);
  });
});
