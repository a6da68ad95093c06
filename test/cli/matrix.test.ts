import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { profileJson } from '../../src/formats/profile.js';
import validate from '../../src/generated/matrix-report.js';
import { HASWELL, type HostPlan, hostOf, V2, V3 } from '../hosts.js';
import { cpugate, isPlainFailure } from './run.js';

const text = (plan: HostPlan) => JSON.stringify(profileJson(hostOf(plan)));
const OLD: HostPlan = { name: 'old-1', features: V2, areaBytes: 0 };
let folder = '';
let hosts = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-matrix-'));
  hosts = join(folder, 'hosts');
  mkdirSync(hosts);
  for (const name of ['web-1', 'web-2'])
    writeFileSync(join(hosts, `${name}.json`), text({ ...HASWELL, name }));
  writeFileSync(join(hosts, 'old-1.json'), text(OLD));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Matrix {
  readonly hosts: readonly { readonly name: string; readonly kind: number }[];
  readonly kinds: readonly { readonly count: number }[];
  readonly verdicts: readonly (readonly number[])[];
  readonly verdictNames: readonly string[];
}

function jsonOf(args: readonly string[], input = ''): Matrix {
  const { out, err } = cpugate(['matrix', ...args, '--json'], { input });
  if (out === '') throw new Error(err);
  const json = JSON.parse(out);
  expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
  return json;
}

describe('matrix', () => {
  it('shows people who can go where, hosts of a kind together, and always ends well', () => {
    const { status, out, err } = cpugate(['matrix', hosts]);
    expect([status, err]).toEqual([0, '']);
    expect(out).toContain('3 hosts of 2 kinds');
    expect(out).toMatch(/\n +1 2\n {2}1 old-1 +· [✓!]\n {2}2 web-1 \+1 +× ✓\n$/);
  });
  it('says the same as check, of CPU models', () => {
    const models = ['haswell', 'broadwell', 'skylake-sp', 'epyc-rome'];
    const { hosts: found, verdicts, verdictNames } = jsonOf(models);
    for (const [a, from] of models.entries())
      for (const [b, to] of models.entries()) {
        if (a === b) continue;
        const { out } = cpugate(['check', from, to, '--json']);
        const rank = verdicts[found[a]?.kind as number]?.[found[b]?.kind as number] as number;
        expect(verdictNames[rank], `${from} → ${to}`).toBe(JSON.parse(out).verdict);
      }
  });
  it('takes streams, and every line counts although it was met before', () => {
    const lines = Array.from({ length: 500 }, (_, n) =>
      text({ ...(n % 2 ? HASWELL : { ...HASWELL, features: V3 }), name: `host-${n}` }),
    );
    const { hosts: found, kinds } = jsonOf(['-'], `${lines.join('\n')}\n`);
    expect(found.map(({ name }) => name)).toEqual(lines.map((_, n) => `host-${n}`));
    expect(kinds.map(({ count }) => count)).toEqual([250, 250]);
  });
  it('takes a baseline as one host, which tasks can leave for each of its hosts', () => {
    const cluster = join(folder, 'cluster.json');
    expect(cpugate(['baseline', hosts, '-o', cluster]).status).toBe(0);
    const { hosts: found, verdicts, verdictNames } = jsonOf([cluster, hosts]);
    expect(found).toHaveLength(4);
    const from = found[0]?.kind as number;
    for (const { name, kind } of found)
      expect(verdictNames[verdicts[from]?.[kind] as number], name).toBe('compatible');
  });
  it('keeps the folders of names that would be the same without', () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    const dump = join(import.meta.dirname, '../fixtures/dumps/haswell-guest.cpuid-1-r.txt');
    for (const at of [other, folder]) writeFileSync(join(at, 'dump.txt'), readFileSync(dump));
    const { hosts: found } = jsonOf([join(other, 'dump.txt'), join(folder, 'dump.txt'), dump]);
    expect(found.map(({ name }) => name)).toEqual([
      join(other, 'dump.txt'),
      join(folder, 'dump.txt'),
      'haswell-guest.cpuid-1-r.txt',
    ]);
  });
});

describe('--svg', () => {
  it('writes a picture beside the answer', () => {
    const svg = join(folder, 'moves.svg');
    const { status, out } = cpugate(['matrix', hosts, '--svg', svg, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(out).kinds).toHaveLength(2);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  });
  it('leaves nothing behind where it can not be written', () => {
    const before = readdirSync(folder);
    expect(isPlainFailure(cpugate(['matrix', hosts, '--svg', join(folder, 'none', 'x.svg')]))).toBe(
      true,
    );
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('sources that cannot be used', () => {
  it('are an error', () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    for (const args of [[], ['no-such-model'], [empty], ['-']]) {
      const outcome = cpugate(['matrix', ...args]);
      expect(isPlainFailure(outcome), `${args}: ${outcome.err}`).toBe(true);
    }
  });
  it('may be passed over, which is said', () => {
    const bad = join(folder, 'bad.json');
    writeFileSync(bad, '{}');
    const refused = cpugate(['matrix', hosts, bad]);
    expect(isPlainFailure(refused)).toBe(true);
    expect(refused.err).toContain('--skip-unreadable goes on without it');
    const { status, out, err } = cpugate(['matrix', hosts, bad, '--skip-unreadable']);
    expect(status).toBe(0);
    expect(out).toContain('3 hosts');
    expect(err).toContain(`passed over: ${bad}`);
  });
});
