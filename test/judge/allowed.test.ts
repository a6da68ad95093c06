import { describe, expect, it } from 'vitest';
import { allowedOf } from '../../src/cli/allowed.js';
import { FINDING_CODES } from '../../src/rules/index.js';
import { HASWELL, hostOf, V3 } from '../hosts.js';
import { compareHosts } from './between.js';

describe('what --allow takes', () => {
  it.each([
    ['a feature', 'avx2', 'avx2'],
    ['a feature as another project spells it', 'LZCNT', 'abm'],
    ['a state component', 'pkru', 'pkru'],
    ['what the kernel alone gives', 'ring3mwait', 'ring3mwait'],
    ['the XSAVE area', 'xsave-area', 'xsave'],
    ['the code of a finding', 'address-width', 'address-width'],
  ])('%s', (_, name, canonical) => {
    expect(allowedOf([name])).toEqual([canonical]);
  });
  it('every code', () => {
    expect(allowedOf(FINDING_CODES)).toEqual(FINDING_CODES);
  });
  it.each([
    ['adress-width', 'Did you mean address-width?'],
    ['avx3', 'Did you mean avx'],
    ['frobnicate', 'The report names what can be allowed.'],
  ])('no other word: %s', (name, remedy) => {
    let failure: unknown;
    try {
      allowedOf([name]);
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ code: 'usage', remedy: expect.stringContaining(remedy) });
  });
});

describe('an allowed code', () => {
  const report = (allow: readonly string[]) =>
    compareHosts(
      hostOf({ ...HASWELL, name: 'a', linearBits: 57 }),
      hostOf({ ...HASWELL, name: 'b', features: V3 }),
      { allow },
    );
  const allowedFrom = (allow: readonly string[]) =>
    report(allow)
      .findings.filter((finding) => finding.allowedFrom !== undefined)
      .map(({ code, allowedFrom: before }) => `${before} ${code}`);
  it('takes out all of its findings, and no others', () => {
    expect(allowedFrom([])).toEqual([]);
    expect(allowedFrom(['address-width'])).toEqual(['risk address-width']);
    const lost = allowedFrom(['instruction-missing']);
    expect(lost.length).toBeGreaterThan(2);
    expect(new Set(lost)).toEqual(new Set(['blocker instruction-missing']));
  });
  it('says whether it took anything out', () => {
    expect(report(['address-width', 'vendor-differs']).allowed).toEqual([
      { name: 'address-width', used: true },
      { name: 'vendor-differs', used: false },
    ]);
  });
});
