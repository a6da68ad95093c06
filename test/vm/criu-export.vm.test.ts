/** What CRIU says of the image that stands for a baseline, on the baseline's hosts and on a poorer one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { criu } from '../../src/export/criu.js';
import { models } from '../baseline/clusters.js';
import { labIsHere, runInGuest } from './lab.js';

const criuIsHere = spawnSync('criu', ['--version'], { stdio: 'ignore' }).error === undefined;

describe.skipIf(!(labIsHere && criuIsHere))("a baseline's image and CRIU", () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-criu-export-'));
  beforeAll(() => {
    const { content } = criu.write(baselineOf(models('haswell', 'skylake-sp', 'epyc-rome')), {});
    writeFileSync(join(folder, 'cpuinfo.img'), content);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const check = (cpu: string) =>
    runInGuest({ cpu, kernel: '6.1', shares: [folder] }, [
      ...['criu', 'cpuinfo', 'check', '-D', folder, '--cpu-cap=fpu,ins'],
    ]);

  test.each(['Haswell', 'Skylake-Server', 'EPYC-Rome', 'EPYC-Milan'])(
    '%s: accepted',
    async (cpu) => {
      const { status, output } = await check(cpu);
      expect(status, output).toBe(0);
    },
  );
  test('SandyBridge: refused', async () => {
    const { status, output } = await check('SandyBridge');
    expect(status, output).toBe(1);
    expect(output).toContain('CPU instruction capabilities do not match run time');
  });
});
