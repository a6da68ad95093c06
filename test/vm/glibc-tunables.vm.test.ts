/** What glibc picks under an exported setting, on CPUs that have more than the baseline. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { glibc } from '../../src/export/glibc.js';
import { models } from '../baseline/clusters.js';
import { compilePicks, LINKER, linkerTells } from '../export/tools.js';
import { labIsHere, runInGuest } from './lab.js';

const folder = mkdtempSync(join(tmpdir(), 'cpugate-tunables-'));
const picks = join(folder, 'picks');
const compiled = labIsHere && linkerTells && compilePicks(picks);

describe.skipIf(!compiled)('glibc in a guest with AVX2', () => {
  let open = '';
  let masked = '';
  let older = '';

  /** Under no setting, then under those for two baselines. */
  beforeAll(async () => {
    const look = `${picks} && ${LINKER} --help | grep searched && ${LINKER} --list-diagnostics | grep xsave_state_size`;
    const under = (...names: readonly string[]) => {
      const { content } = glibc.write(baselineOf(models(...names)), { glibc: '2.36' });
      const settings = `${content}`.split('\n').filter((line) => /^\w+=/.test(line));
      return `echo ---; env ${settings.join(' ')} sh -c '${look}'`;
    };
    const script = `${look}; ${under('haswell', 'ivybridge')}; ${under('haswell', 'nehalem')}`;
    const { status, output } = await runInGuest({ cpu: 'Haswell' }, ['sh', '-c', script]);
    expect(status, output).toBe(0);
    [open = '', masked = '', older = ''] = output.split('---\n');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('takes AVX2 by itself', () => {
    expect(open).toMatch(/^strlen __strlen_avx2/m);
    expect(open).toMatch(/^memmove __memmove_avx/m);
    expect(open).toContain('x86-64-v3 (supported, searched)');
  });
  test('takes AVX and no AVX2 where Ivy Bridge is among the hosts', () => {
    expect(masked).toMatch(/^memmove __memmove_avx/m);
    expect(masked).not.toContain('avx2');
    expect(masked).not.toContain('x86-64-v3');
    expect(masked).toContain('x86-64-v2 (supported, searched)');
  });
  test('takes SSE alone and saves with FXSAVE where Nehalem is among the hosts', () => {
    expect(older).toMatch(/^strlen __strlen_sse2/m);
    expect(older).not.toContain('avx');
    expect(older).toContain('xsave_state_size=0x0');
  });
});
