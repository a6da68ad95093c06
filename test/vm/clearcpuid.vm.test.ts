/** What Linux makes of an exported clearcpuid=: flags, XCR0, area, and what CPUID goes on showing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clearcpuid } from '../../src/export/clearcpuid.js';
import { models } from '../baseline/clusters.js';
import { bundleForGuest, labIsHere, runInGuest } from './lab.js';
import type { PrintedProbe } from './print-probe.js';

/** Longest that fits, the last name whole: of 127 characters Linux reads all. */
const FULL = [
  'avx2,bmi1,bmi2,fma,f16c,abm,movbe,adx,erms,rdrand,fsgsbase,clflushopt,clwb,pku,',
  'smap,xsavec,xsaves,xgetbv1,avx512f,avx512cd,aes',
].join('');

describe.skipIf(!labIsHere)('Linux with clearcpuid=', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-clearcpuid-'));
  beforeAll(() => bundleForGuest('test/vm/print-probe.ts', join(folder, 'probe.cjs')));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function boot(kernel: string, kernelParameters: string): Promise<PrintedProbe> {
    const guest = { cpu: 'Skylake-Server', kernel, kernelParameters };
    const { status, output } = await runInGuest(guest, ['node', join(folder, 'probe.cjs')]);
    expect(status, output).toBe(0);
    return JSON.parse(output);
  }

  test.concurrent.each(['6.1', '7.2'])(
    '%s gives up state, and CPUID shows the bits',
    async (of) => {
      const baseline = baselineOf(models('ivybridge', 'skylake-sp'));
      const { content } = clearcpuid.write(baseline, {});
      const line = `${content}`.split('\n').find((text) => text.startsWith('clearcpuid='));
      const host = await boot(of, line ?? '');
      const flags = host.system.cpuinfoFlags ?? [];
      expect(flags).toContain('avx');
      for (const gone of ['avx2', 'fma', 'pku', 'ospke', 'bmi1', 'adx'])
        expect(flags).not.toContain(gone);
      // Without PKRU (0x200) at 2688.
      const rows = host.cpus[0]?.rows ?? [];
      expect(host.cpus[0]?.xcr0).toBe('7');
      expect(rows.find(([leaf, subleaf]) => leaf === 0xd && subleaf === 0)?.[3]).toBe(832);
      const leaf7 = rows.find(([leaf, subleaf]) => leaf === 7 && subleaf === 0);
      expect((BigInt(leaf7?.[3] ?? 0) >> 5n) & 1n, 'AVX2').toBe(1n);
      expect((BigInt(leaf7?.[4] ?? 0) >> 3n) & 1n, 'PKU').toBe(1n);
      expect((BigInt(leaf7?.[4] ?? 0) >> 4n) & 1n, 'OSPKE').toBe(0n);
    },
  );

  test('127 characters are read, the next one cuts a name', async () => {
    expect(FULL.length).toBeLessThanOrEqual(127);
    const fill = FULL.replace('smap', `smap,${'x'.repeat(127 - FULL.length - 1)}`);
    const whole = await boot('6.1', `clearcpuid=${fill}`);
    expect(fill).toHaveLength(127);
    expect(whole.system.cpuinfoFlags).not.toContain('aes');
    const cut = await boot('6.1', `clearcpuid=${fill.replace('smap', 'smapx')}`);
    expect(cut.system.cpuinfoFlags).toContain('aes');
  });
});
