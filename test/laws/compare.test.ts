import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FeatureName, ROWS } from '../../src/catalogue/index.js';
import { judge } from '../../src/judge/verdict.js';
import { describeHost } from '../../src/model/capabilities.js';
import { RULES } from '../../src/rules/index.js';
import { type HostPlan, hostOf, INTEL_AVX512 } from '../hosts.js';

const names = ROWS.map((row) => row.name);
const LAYOUTS = [
  { mask: 0x7n, places: { 2: [256, 576] }, areaBytes: 832 },
  { mask: 0x207n, places: { 2: [256, 576], 9: [8, 2688] }, areaBytes: 2696 },
  { mask: 0x2e7n, places: { ...INTEL_AVX512, 9: [8, 2688] }, areaBytes: 2696 },
  { mask: 0x0n, places: {}, areaBytes: 0 },
] as const;

const plan = fc
  .record({
    features: fc.subarray([...names]),
    layout: fc.constantFrom(...LAYOUTS),
    vendor: fc.constantFrom('GenuineIntel', 'AuthenticAMD'),
    lineBytes: fc.constantFrom(64, 128),
  })
  .map(
    ({ layout, ...rest }): HostPlan => ({
      ...rest,
      ...layout,
      features: [...rest.features, 'clflush' as const],
    }),
  );

const untold = fc.subarray<FeatureName>(
  names.filter((name) => name !== 'clflush'),
  { maxLength: 30 },
);

function compare(from: HostPlan, to: HostPlan) {
  const [source, target] = [describeHost(hostOf(from)), describeHost(hostOf(to))];
  return RULES.flatMap((rule) => rule.findings({ from: source, to: target }));
}

const RANK = ['compatible', 'at-risk', 'unknown', 'incompatible'];

describe('a comparison', () => {
  it('of a host that tells all with itself is compatible', () => {
    fc.assert(
      fc.property(plan, (one) => {
        const findings = compare(one, one).filter(({ severity }) => severity !== 'info');
        expect(findings).toEqual([]);
      }),
    );
  });
  it('never turns compatible by knowing less of either side', () => {
    fc.assert(
      fc.property(plan, plan, untold, untold, (from, to, fromUntold, toUntold) => {
        const told = judge(compare(from, to));
        const vague = judge(
          compare(
            {
              ...from,
              untold: fromUntold,
              features: from.features.filter((name) => !fromUntold.includes(name)),
            },
            {
              ...to,
              untold: toUntold,
              features: to.features.filter((name) => !toUntold.includes(name)),
            },
          ),
        );
        if (told === 'incompatible') expect(['incompatible', 'unknown']).toContain(vague);
        if (told === 'at-risk') expect(vague).not.toBe('compatible');
      }),
    );
  });
  it('loses no instruction more when the target has more', () => {
    fc.assert(
      fc.property(plan, plan, fc.subarray([...names]), (from, to, more) => {
        const losses = (target: HostPlan) =>
          compare(from, target)
            .filter(({ code }) => /-missing$/.test(code))
            .map((one) => `${one.code} ${one.feature ?? one.component}`);
        const before = losses(to);
        for (const loss of losses({ ...to, features: [...new Set([...to.features, ...more])] }))
          expect(before).toContain(loss);
      }),
    );
  });
  it('says of every finding what it is about and what follows', () => {
    fc.assert(
      fc.property(plan, plan, untold, (from, to, hidden) => {
        for (const finding of compare(from, {
          ...to,
          untold: hidden,
          features: to.features.filter((name) => !hidden.includes(name)),
        })) {
          expect(finding.effect).toMatch(/^[A-Z0-9a-z].*[.]$/s);
          expect(finding.effect).not.toMatch(/undefined|NaN|\[object/);
        }
      }),
    );
  });
  it('has a verdict no better than its worst finding', () => {
    fc.assert(
      fc.property(plan, plan, (from, to) => {
        const findings = compare(from, to);
        const rank = RANK.indexOf(judge(findings));
        for (const { severity } of findings)
          expect(rank).toBeGreaterThanOrEqual(
            { blocker: 3, unknown: 2, risk: 1, info: 0 }[severity],
          );
      }),
    );
  });
});
