/** The supervisor's parts that ask the CPU, on hosts where its own CPUID traps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, compilerIsHere, PLAIN, SUPERVISOR_HERE } from '../native/sanitized.js';
import { type Guest, labIsHere, runInGuest } from './lab.js';

const HOSTS: readonly Guest[] = [
  { cpu: 'Haswell', kernel: '6.1', cpus: 2 },
  { cpu: 'EPYC', kernel: '7.2', faulting: true },
];

describe.skipIf(!labIsHere || !compilerIsHere)('an armed supervisor asks the CPU', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-native-vm-'));
  const program = join(folder, 'machine');
  beforeAll(() => build(program, SUPERVISOR_HERE, PLAIN), 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(HOSTS)(
    'on $cpu',
    async (host) => {
      const { status, output } = await runInGuest(host, [program]);
      expect({ status, output }).toMatchObject({ status: 0 });
      expect(output).toMatch(/^\d+ passed, 0 failed$/m);
      expect(output).not.toContain("CPUID doesn't trap");
    },
    300_000,
  );
});
