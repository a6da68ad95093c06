/** What CRIU says of the image that stands for a baseline, on the baseline's hosts and on a poorer one. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

  /** A PID that no other guest's processes have. */
  const DUMP = `echo 5000 > /proc/sys/kernel/ns_last_pid
    setsid sleep 1000 < /dev/null > /dev/null 2>&1 &
    pid=$!; sleep 1; criu dump -t $pid -D . --cpu-cap=fpu,ins`;
  const RESTORE = 'criu restore -d -D . --cpu-cap=fpu,ins && pidof sleep';
  const run = (cpu: string, images: string, script: string) =>
    runInGuest({ cpu, kernel: '6.1', shares: [folder] }, ['sh', '-c', `cd ${images}\n${script}`]);

  test('tasks of a richer host are restored on a poorer one only with it in place', async () => {
    const images = join(folder, 'images');
    mkdirSync(images);
    const dumped = await run('Skylake-Server', images, DUMP);
    expect(dumped.status, dumped.output).toBe(0);
    const refused = await run('Haswell', images, RESTORE);
    expect(refused.status, refused.output).not.toBe(0);
    expect(refused.output).toContain('CPU xfeatures has unsupported bits');
    cpSync(join(folder, 'cpuinfo.img'), join(images, 'cpuinfo.img'));
    const restored = await run('Haswell', images, RESTORE);
    expect(restored.status, restored.output).toBe(0);
    expect(restored.output).toMatch(/^5\d+\n$/m);
  });
});
