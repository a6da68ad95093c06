import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openInput } from '../../src/formats/format.js';
import { namedProfile } from '../../src/formats/named-profile.js';
import type { Host } from '../../src/model/host.js';
import { HASWELL, hostOf } from '../hosts.js';
import { compareHosts } from './between.js';

function model(name: string): Host {
  const file = new URL(`../../cpu-profiles/${name}.json`, import.meta.url);
  return namedProfile.read(openInput(name, readFileSync(file)));
}

function findings(from: Host, to: Host, code: string) {
  return compareHosts(from, to).findings.filter((finding) => finding.code === code);
}

describe('one CPU model whose firmware hides ERMS on some hosts', () => {
  const without = {
    ...HASWELL,
    name: 'b',
    features: HASWELL.features.filter((name) => name !== 'erms'),
  };
  it('is compatible; the hint is a note', () => {
    const report = compareHosts(hostOf(HASWELL), hostOf(without));
    expect(report.verdict).toBe('compatible');
    expect(report.findings).toMatchObject([
      { code: 'hint-missing', severity: 'info', feature: 'erms' },
    ]);
  });
  it('blocks in strict', () => {
    expect(compareHosts(hostOf(HASWELL), hostOf(without), { mode: 'strict' }).verdict).toBe(
      'incompatible',
    );
  });
});

describe('Haswell to Skylake-SP', () => {
  it('is refused for the growing XSAVE area, which glibc without XSAVEC overruns', () => {
    const report = compareHosts(model('haswell'), model('skylake-sp'));
    expect(report.verdict).toBe('incompatible');
    const blockers = report.findings.filter(({ severity }) => severity === 'blocker');
    expect(blockers).toMatchObject([
      { code: 'xsave-area-grows', component: 'xsave', remedy: 'launch-mask' },
    ]);
    expect(blockers[0]?.effect).toMatch(/from 832 to 2696 bytes.*XSAVEC.*overruns/);
  });
  it('is fit for programs that keep no XSAVE image', () => {
    expect(
      compareHosts(model('haswell'), model('skylake-sp'), { mode: 'instructions' }).verdict,
    ).toBe('compatible');
  });
  it('is at risk alone when its area is allowed', () => {
    const report = compareHosts(model('haswell'), model('skylake-sp'), { allow: ['xsave'] });
    expect(report.verdict).toBe('compatible');
    expect(report.allowed).toEqual([{ name: 'xsave', used: true }]);
  });
});

describe('Skylake-SP to Zen 4', () => {
  it("names PKRU's and AVX-512's other places", () => {
    const moved = findings(model('skylake-sp'), model('epyc-genoa'), 'state-layout');
    expect(moved.map((finding) => finding.component)).toEqual([
      'opmask',
      'zmm_hi256',
      'hi16_zmm',
      'pkru',
    ]);
    expect(moved.every(({ severity }) => severity === 'risk')).toBe(true);
    expect(moved[0]?.effect).toMatch(/64 bytes at 1088 .* 64 bytes at 832/);
    expect(moved[3]?.effect).toMatch(/8 bytes at 2688 .* 8 bytes at 2432/);
  });
  it('lets MPX be allowed with its bounds registers', () => {
    const report = compareHosts(model('skylake-sp'), model('epyc-genoa'), { allow: ['mpx'] });
    expect(
      report.findings
        .filter(({ allowedFrom }) => allowedFrom !== undefined)
        .map((one) => one.feature ?? one.component),
    ).toEqual(expect.arrayContaining(['mpx', 'bndregs', 'bndcsr']));
    expect(report.verdict).toBe('at-risk');
  });
});

describe("Zen 2's PKRU without protection keys", () => {
  it('counts as absent on both sides of a move', () => {
    expect(findings(model('epyc-rome'), model('epyc-naples'), 'state-missing')).toEqual([]);
    expect(findings(model('epyc-rome'), model('epyc-milan'), 'state-layout')).toEqual([]);
    expect(findings(model('epyc-milan'), model('epyc-rome'), 'state-missing')).toMatchObject([
      { component: 'pkru' },
    ]);
  });
  it('is explained', () => {
    expect(findings(model('epyc-rome'), model('epyc-milan'), 'state-not-enabled')).toMatchObject([
      { component: 'pkru' },
    ]);
  });
});

describe('CRIU beside cpugate', () => {
  it("gives CRIU's verdict and cpugate's own", () => {
    const report = compareHosts(model('haswell'), model('broadwell'), { mode: 'criu:cpu' });
    expect(report.verdict).toBe('incompatible');
    expect(report.criu?.portable).toBe('compatible');
    expect(report.findings[0]).toMatchObject({ code: 'criu-refuses', severity: 'blocker' });
  });
});
