import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuinfoText, PLANS, withoutFlag } from '../formats/cpuinfo-text.js';
import { cpugate, isPlainFailure } from './run.js';

let folder = '';
const path = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-kernel-'));
  writeFileSync(path('icelake.txt'), cpuinfoText(PLANS.iceLake));
  writeFileSync(path('icelake-2.txt'), cpuinfoText(PLANS.iceLake, { count: 2 }));
  writeFileSync(path('rome.txt'), cpuinfoText(PLANS.zen2));
  writeFileSync(path('rome-2.txt'), cpuinfoText(PLANS.zen2, { count: 2 }));
  writeFileSync(path('no-avx2.txt'), cpuinfoText(withoutFlag(PLANS.iceLake, 'avx2')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('--kernel', () => {
  it('check: a file against itself is one host, its twin is a risk, under a known kernel nothing is', () => {
    expect(cpugate(['check', path('rome.txt'), path('rome.txt')]).status).toBe(0);
    expect(cpugate(['check', path('rome.txt'), path('rome-2.txt')]).status).toBe(3);
    expect(cpugate(['check', path('rome.txt'), path('rome-2.txt'), '--kernel', '6.1']).status).toBe(
      0,
    );
  });
  it('check: a lost feature stays lost', () => {
    const { status, out } = cpugate([
      'check',
      path('icelake.txt'),
      path('no-avx2.txt'),
      '--kernel',
      '6.12',
      '--json',
    ]);
    expect(status).toBe(1);
    expect(JSON.parse(out).findings).toContainEqual(
      expect.objectContaining({
        code: 'instruction-missing',
        feature: 'avx2',
        severity: 'blocker',
      }),
    );
  });
  it('show: tells what the kernel would have printed', () => {
    const features = (args: string[]) => JSON.parse(cpugate(['show', '--json', ...args]).out);
    const open = features([path('icelake.txt')]);
    expect(open.unknown).toContain('fsgsbase');
    const told = features([path('icelake.txt'), '--kernel', '5.15.0-100-generic']);
    expect(told.unknown).not.toContain('fsgsbase');
    expect(told.features).toContain('fsgsbase');
    expect(told.xsave).toMatchObject({ xcr0: '0x2e7', size: 2696 });
  });
  it('baseline: hosts that are alike keep their state, and another may join', () => {
    const baseline = path('m.json');
    const made = cpugate([
      'baseline',
      path('icelake.txt'),
      path('icelake-2.txt'),
      '--kernel',
      '6.1',
      '-o',
      baseline,
      '--json',
    ]);
    expect(made.status).toBe(0);
    const { features, xsave } = JSON.parse(made.out);
    expect(features).toEqual(expect.arrayContaining(['avx512f', 'pku', 'fsgsbase']));
    expect(xsave).toMatchObject({ xcr0: '0x2e7', size: 2696 });
    expect(JSON.parse(readFileSync(baseline, 'utf8')).xsave.xcr0).toBe('0x2e7');
    const added = cpugate([
      'baseline',
      '--add',
      path('icelake-2.txt'),
      '--to',
      baseline,
      '--kernel',
      '6.1',
    ]);
    expect(added.status).toBe(0);
  });
  it('baseline: without it, too, AVX-512 is kept', () => {
    const { out } = cpugate(['baseline', path('icelake.txt'), path('icelake-2.txt'), '--json']);
    expect(JSON.parse(out).features).toEqual(
      expect.arrayContaining(['avx512f', 'avx512_vnni', 'pku']),
    );
  });
  it.each(['latest', '6', '6.x', '99.1', '-6.1', '6.1 generic'])('refuses "%s"', (kernel) => {
    for (const args of [
      ['check', path('rome.txt'), path('rome-2.txt')],
      ['show', path('rome.txt')],
      ['baseline', path('rome.txt')],
    ]) {
      const outcome = cpugate([...args, `--kernel=${kernel}`]);
      expect(isPlainFailure(outcome)).toBe(true);
      expect(outcome.err).toContain('is no release of Linux');
      expect(outcome.err).toContain('uname -r');
    }
  });
  it.each([
    [['check', 'haswell', 'skylake-sp']],
    [['show', 'haswell']],
    [['baseline', 'haswell', 'skylake-sp']],
  ])('refuses to be given where it says nothing: %j', (args) => {
    const { status, err } = cpugate([...args, '--kernel', '6.1']);
    expect(status).toBe(2);
    expect(err).toContain('no host is a /proc/cpuinfo');
  });
  it('is for the files among the hosts that can use it', () => {
    expect(cpugate(['check', 'haswell', path('icelake.txt'), '--kernel', '6.1']).err).toBe('');
  });
});
