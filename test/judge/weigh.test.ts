/** How findings become a report: their order, and what --allow takes out. */
import { describe, expect, it } from 'vitest';
import { findingsOf, weigh } from '../../src/judge/judge.js';
import type { Severity } from '../../src/rules/finding.js';
import type { Finding, FindingCode } from '../../src/rules/index.js';
import { HASWELL, seen } from '../hosts.js';

const host = seen(HASWELL);
const sides = { from: host, to: host };

function finding(severity: Severity, code: FindingCode, about: Partial<Finding> = {}): Finding {
  return { severity, code, facts: {}, effect: 'x', remedy: 'none', ...about };
}

const label = ({ severity, code, feature, component }: Finding) =>
  [severity, code, feature ?? component ?? ''].join(' ').trim();

describe('findings', () => {
  /**
   * Worst first; then as the rules are listed; then as the catalogue lists features, of which FPU is the
   * first. What is about none of them stands before.
   */
  const ordered = [
    finding('blocker', 'instruction-missing', { feature: 'avx' }),
    finding('blocker', 'instruction-missing', { feature: 'avx2' }),
    finding('blocker', 'state-missing', { component: 'ymm_hi128' }),
    finding('unknown', 'data-missing'),
    finding('unknown', 'data-missing', { feature: 'fpu' }),
    finding('unknown', 'data-missing', { feature: 'fma' }),
    finding('risk', 'kernel-feature-missing', { feature: 'shstk' }),
    finding('risk', 'vendor-differs'),
    finding('info', 'hint-missing', { feature: 'erms' }),
    finding('info', 'feature-added', { feature: 'sse' }),
  ];

  it.each([
    ['as they are', (all: readonly Finding[]) => [...all]],
    ['backwards', (all: readonly Finding[]) => [...all].reverse()],
    ['turned round', (all: readonly Finding[]) => [...all.slice(4), ...all.slice(0, 4)]],
  ])('are listed worst first, by rule and feature: %s', (_, mix) => {
    const { findings, verdict } = weigh(sides, mix(ordered));
    expect(findings.map(label)).toEqual(ordered.map(label));
    expect(verdict).toBe('incompatible');
  });
});

describe('--allow', () => {
  const bounds = [
    finding('blocker', 'instruction-missing', { feature: 'mpx' }),
    finding('blocker', 'state-missing', { component: 'bndregs' }),
    finding('blocker', 'state-missing', { component: 'ymm_hi128' }),
    finding('info', 'hint-missing', { feature: 'erms' }),
  ];
  const left = (...allow: string[]) =>
    weigh(sides, bounds, { allow })
      .findings.filter(({ severity }) => severity === 'blocker')
      .map(label);

  it.each<[readonly string[], readonly string[]]>([
    [[], ['instruction-missing mpx', 'state-missing bndregs', 'state-missing ymm_hi128']],
    [['mpx'], ['state-missing ymm_hi128']],
    [['bndregs'], ['instruction-missing mpx', 'state-missing ymm_hi128']],
    [['state-missing'], ['instruction-missing mpx']],
    [['avx', 'mpx'], []],
    [
      ['erms', 'avx2'],
      ['instruction-missing mpx', 'state-missing bndregs', 'state-missing ymm_hi128'],
    ],
  ])('%j leaves %j', (allow, codes) => {
    expect(left(...allow)).toEqual(codes.map((code) => `blocker ${code}`));
  });

  it('says of every name whether it took something out, and of every finding what it was', () => {
    const { findings, allowed, verdict } = weigh(sides, bounds, {
      allow: ['mpx', 'avx', 'erms', 'fma'],
    });
    expect(allowed).toEqual([
      { name: 'mpx', used: true },
      { name: 'avx', used: true },
      { name: 'erms', used: false },
      { name: 'fma', used: false },
    ]);
    expect(findings.map(({ allowedFrom }) => allowedFrom).sort()).toEqual([
      'blocker',
      'blocker',
      'blocker',
      undefined,
    ]);
    expect(verdict).toBe('compatible');
  });
});

describe('rules', () => {
  const other = seen({ ...HASWELL, features: HASWELL.features.filter((name) => name !== 'avx2') });
  const images = { alive: [], mask: undefined, criuVersion: undefined };

  it('of two hosts are not asked where the source of a dump is not known: one finding says so', () => {
    const context = { from: host, to: other };
    expect(findingsOf(context).map(({ code }) => code)).toContain('instruction-missing');
    const known = findingsOf({ ...context, images: { ...images, source: host } });
    expect(known.map(({ code }) => code)).toContain('instruction-missing');
    const unknown = findingsOf({ ...context, images: { ...images, source: undefined } });
    expect(unknown.map(({ code }) => code)).not.toContain('instruction-missing');
    expect(unknown.map(({ code }) => code)).toContain('source-unknown');
  });
});
