/** Folders of hosts where one host, or several, are asked for. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpugate, isPlainFailure } from './run.js';

let folder = '';
let hosts = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-folders-'));
  hosts = join(folder, 'hosts');
  mkdirSync(hosts);
  for (const [file, model] of [
    ['a.json', 'haswell'],
    ['b.json', 'nehalem'],
    ['.c.json', 'skylake-sp'],
    ['d.json~', 'skylake-sp'],
  ] as const)
    writeFileSync(join(hosts, file), cpugate(['convert', model, '--to', 'profile']).out);
  mkdirSync(join(folder, 'mixed'));
  for (const [file, text] of [
    ['1', 'nonsense'],
    ['3', '{"kind":"cpugate-host-profile"}'],
  ] as const)
    writeFileSync(join(folder, 'mixed', file), text);
  symlinkSync('2', join(folder, 'mixed', '2'));
  writeFileSync(join(folder, 'mixed', '4'), cpugate(['convert', 'haswell', '--to', 'profile']).out);
  mkdirSync(join(folder, 'empty'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('check of a folder of hosts', () => {
  it.each([[true], [false]])('points to matrix and baseline (first: %s)', (isFirst) => {
    const outcome = cpugate(['check', ...(isFirst ? [hosts, 'haswell'] : ['haswell', hosts])]);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toContain(`${hosts}: is a folder, and no dump of CRIU`);
    expect(outcome.err).toContain(`"cpugate matrix ${hosts}"`);
    expect(outcome.err).toContain(`"cpugate baseline ${hosts}"`);
  });
});

describe('show', () => {
  const names = (out: string) =>
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).name);
  it('takes a folder, and leaves out what is no host', () => {
    const { status, out, err } = cpugate(['show', hosts, '--json']);
    expect([status, err]).toEqual([0, '']);
    expect(names(out)).toEqual(['haswell', 'nehalem']);
  });
  it('takes folders, files and models together', () => {
    const { out } = cpugate(['show', 'westmere', hosts, join(hosts, 'a.json'), '--json']);
    expect(names(out)).toEqual(['westmere', 'haswell', 'nehalem', 'haswell']);
  });
  it('for people has all of them', () => {
    const { status, out } = cpugate(['show', hosts]);
    expect(status).toBe(0);
    for (const name of ['haswell', 'nehalem'])
      expect(out.split('\n').filter((line) => line === name)).toHaveLength(1);
  });
  it('goes on after what cannot be read, names all of that, and ends with 2', () => {
    const none = join(folder, 'none.json');
    const args = ['show', none, join(folder, 'mixed'), join(folder, 'empty'), 'nehalem', '--json'];
    const { status, out, err } = cpugate(args);
    expect(status).toBe(2);
    expect(names(out)).toEqual(['haswell', 'nehalem']);
    const named = err.split('\n').filter((line) => line.startsWith('cpugate: '));
    const wrong = [
      none,
      join(folder, 'mixed', '1'),
      join(folder, 'mixed', '3'),
      join(folder, 'empty'),
    ];
    expect(named.map((line) => wrong.find((path) => line.includes(`${path}: `)))).toEqual(wrong);
    expect(err).not.toContain('bug');
  });
  it('of a single file is as before', () => {
    const { out } = cpugate(['show', join(hosts, 'a.json'), '--json']);
    expect(JSON.parse(out).name).toBe('haswell');
    expect(out.split('\n').length).toBeGreaterThan(10);
  });
});
