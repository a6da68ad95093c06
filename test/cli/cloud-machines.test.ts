import { describe, expect, it } from 'vitest';
import { cloudFamilyNames, findCloudFamily } from '../../src/catalogue/cloud-families.js';
import { names as profiles } from '../profiles/load.js';
import { cpugate } from './run.js';

const check = (...args: readonly string[]) => {
  const { status, out } = cpugate(['check', ...args, '--json']);
  return { status, report: JSON.parse(out) };
};

describe('the table of families', () => {
  it('names profiles that are there, each once', () => {
    for (const name of cloudFamilyNames()) {
      const found = findCloudFamily(name);
      expect(found?.profiles.length, name).toBeGreaterThan(0);
      expect(new Set(found?.profiles).size, name).toBe(found?.profiles.length);
      for (const profile of found?.profiles ?? []) expect(profiles, name).toContain(profile);
    }
    expect(new Set(cloudFamilyNames()).size).toBe(cloudFamilyNames().length);
  });
  it.each([
    ['aws:m5.large', 'aws:m5'],
    ['AWS:M5.24xlarge', 'aws:m5'],
    ['azure:Standard_D4s_v5', undefined],
    ['azure:Standard_D4s_v4', 'azure:Dsv4'],
    ['azure:standard_d4as_v5', 'azure:Dasv5'],
    ['gcp:n2-standard-8', 'gcp:n2'],
    ['aws:m5x', undefined],
    ['aws:m5n', 'aws:m5n'],
  ])('%s is of %s', (type, family) => expect(findCloudFamily(type)?.name).toBe(family));
});

describe('a check of families', () => {
  it('judges every pair, and reports the worst', () => {
    const { status, report } = check('aws:m5', 'aws:m6i');
    const pairs = report.combinations.map(({ from, to }: { from: string; to: string }) => [
      from,
      to,
    ]);
    expect(pairs).toEqual([
      ['aws:m5 (skylake-sp)', 'aws:m6i (icelake-sp)'],
      ['aws:m5 (cascadelake)', 'aws:m6i (icelake-sp)'],
    ]);
    // Both of the first have MPX, which the other lacks.
    expect([status, report.verdict]).toEqual([1, 'incompatible']);
    expect(report.combinations.map(({ verdict }: { verdict: string }) => verdict)).toContain(
      report.verdict,
    );
  });
  it('finds what a chance machine lacks: Cascade Lake at the source, Skylake at the target', () => {
    const { report } = check('aws:m5', 'aws:m5');
    const of = (from: string, to: string) =>
      report.combinations.find(
        (one: { from: string; to: string }) => one.from.includes(from) && one.to.includes(to),
      ).verdict;
    expect([of('cascadelake', 'skylake'), of('skylake', 'cascadelake')]).toEqual([
      'incompatible',
      'at-risk',
    ]);
    expect([report.from.name, report.to.name]).toEqual([
      'aws:m5 (cascadelake)',
      'aws:m5 (skylake-sp)',
    ]);
    expect(
      report.findings.some(({ feature }: { feature?: string }) => feature === 'avx512_vnni'),
    ).toBe(true);
  });
  it('is never better than at risk, for a document proves no machine', () => {
    const { status, report } = check('aws:m6i', 'aws:r6i');
    expect([status, report.verdict]).toEqual([3, 'at-risk']);
    expect(
      report.findings.filter(({ code }: { code: string }) => code === 'family-assumed'),
    ).toHaveLength(2);
    expect(check('x86-64-v2', 'aws:m6i').report.verdict).toBe('at-risk');
  });
  it('says in words which is the worst', () => {
    const { out } = cpugate(['check', 'aws:m5', 'aws:m5']);
    expect(out).toMatch(/^aws:m5 \(cascadelake\) → aws:m5 \(skylake-sp\): incompatible\n/);
    expect(out).toMatch(
      /The worst of 4 combinations:\n(?: {2}aws:m5 .* → aws:m5 .*: [a-z-]+\n){4}/,
    );
  });
});

describe('elsewhere', () => {
  it('a baseline takes each CPU of a family', () => {
    const { out } = cpugate(['baseline', 'aws:m5', '--json']);
    const { hostCount, features } = JSON.parse(out);
    expect(hostCount).toBe(2);
    expect(features).not.toContain('avx512_vnni');
  });
  it.each([
    [['convert', 'aws:m5', '--to', 'profile'], /one of 2 CPUs/],
    [['check', 'aws:m99', 'aws:m5'], /no document/],
    [['check', 'aws:', 'aws:m5'], /no document/],
  ])('%j is refused', (args, message) => {
    const { status, err } = cpugate(args);
    expect([status, err]).toEqual([2, expect.stringMatching(message)]);
  });
});
