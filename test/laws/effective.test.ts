import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVERY_64_BIT_CPU, type FeatureName, featureRow, ROWS } from '../../src/catalogue/index.js';
import { describeHost, effectiveFeatures } from '../../src/model/capabilities.js';
import { explainAbsence } from '../../src/model/explain-absence.js';
import { countingPrerequisites } from '../../src/model/prerequisites.js';
import { ABSENT, PRESENT, UNKNOWN } from '../../src/model/xsave.js';
import { type HostPlan, hostOf, INTEL_AVX512, seen, userVisible } from '../hosts.js';

const names = ROWS.map((row) => row.name);
const ALL_STATE: Partial<HostPlan> = {
  mask: 0x602ffn,
  places: {
    ...INTEL_AVX512,
    3: [64, 960],
    4: [64, 1024],
    9: [8, 2688],
    17: [64, 2752],
    18: [8192, 2816],
  },
  areaBytes: 11008,
};

const features = fc.subarray([...names]);
const plan = fc
  .record({
    features,
    untold: fc.subarray([...names], { maxLength: 40 }),
    mask: fc.constantFrom(0n, 0x3n, 0x7n, 0x1fn, 0x207n, 0x2e7n, 0x602e7n, 0x602ffn),
    kind: fc.constantFrom('system' as const, 'cpu' as const, 'model' as const),
  })
  .map(
    ({ untold, features: all, ...rest }): HostPlan => ({
      ...ALL_STATE,
      ...rest,
      untold,
      features: all.filter((name) => !untold.includes(name)),
    }),
  );

const counting = countingPrerequisites;

describe('effective features', () => {
  it('are a part of what the hardware has', () => {
    fc.assert(
      fc.property(plan, (one) => {
        const host = seen(one);
        for (const name of effectiveFeatures(host)) expect(host.hardware(name)).toBe(PRESENT);
      }),
    );
  });
  it('have all their prerequisites', () => {
    fc.assert(
      fc.property(plan, (one) => {
        const host = seen(one);
        for (const name of effectiveFeatures(host))
          for (const needed of counting(name))
            expect(host.effective(needed), `${name} needs ${needed}`).toBe(PRESENT);
      }),
    );
  });
  it('stay as they are when only they are left: closing twice changes nothing', () => {
    fc.assert(
      fc.property(
        plan.filter((one) => (one.untold ?? []).length === 0),
        (one) => {
          const once = effectiveFeatures(seen(one));
          const again = effectiveFeatures(seen({ ...one, features: once }));
          expect(again).toEqual(once);
        },
      ),
    );
  });
  it('only shrink when a bit goes, and policy edges take nothing along', () => {
    fc.assert(
      fc.property(plan, fc.nat(), (one, pick) => {
        const gone = one.features[pick % Math.max(1, one.features.length)];
        if (gone === undefined) return;
        const before = new Set(effectiveFeatures(seen(one)));
        const after = effectiveFeatures(
          seen({ ...one, features: one.features.filter((name) => name !== gone) }),
        );
        for (const name of after) expect(before.has(name)).toBe(true);
        const reach = dependants(gone, one.kind === 'cpu');
        for (const name of before)
          if (!after.includes(name))
            expect(reach.has(name), `${name} fell with ${gone}`).toBe(true);
      }),
    );
  });
  it('are never present where their own bit is not told, but for what long mode implies', () => {
    fc.assert(
      fc.property(plan, (one) => {
        const host = seen(one);
        const mirrored = one.kind === 'cpu' ? ['osxsave', 'ospke'] : [];
        const implied = one.features.includes('lm') ? EVERY_64_BIT_CPU : [];
        for (const name of one.untold ?? []) {
          const row = featureRow(name);
          if (typeof row.bit !== 'number' || [...mirrored, ...implied].includes(name)) continue;
          expect(host.effective(name)).not.toBe(PRESENT);
        }
      }),
    );
  });
  it('become only more certain when something more is told', () => {
    fc.assert(
      fc.property(plan, (one) => {
        // Long mode implies these where they aren't told, and they may be told to be hidden.
        const untold = (one.untold ?? []).filter((name) => !EVERY_64_BIT_CPU.includes(name));
        const vague = seen({ ...one, untold });
        const sure = seen({ ...one, untold: [] });
        for (const name of names) {
          const before = vague.effective(name);
          if (before !== UNKNOWN && userVisible.some((row) => row.name === name))
            expect(sure.effective(name), name).toBe(before);
        }
      }),
    );
  });
});

/** All that may fall with a feature: what needs it, and what needs its state components. */
function dependants(name: FeatureName, mirrors: boolean): Set<FeatureName> {
  const found = new Set<FeatureName>([name, ...(name === 'lm' ? EVERY_64_BIT_CPU : [])]);
  const mirrored: Partial<Record<FeatureName, FeatureName>> = mirrors
    ? { xsave: 'osxsave', pku: 'ospke' }
    : {};
  for (let grown = true; grown; ) {
    grown = false;
    for (const row of ROWS) {
      if (found.has(row.name)) continue;
      const shares = row.components?.some((bit) =>
        [...found].some((one) => featureRow(one).components?.includes(bit)),
      );
      const falls =
        counting(row.name).some((needed) => found.has(needed)) ||
        shares ||
        [...found].some((one) => mirrored[one] === row.name);
      const withXsave = found.has('xsave') && row.components !== undefined;
      if (falls || withXsave) {
        found.add(row.name);
        grown = true;
      }
    }
  }
  return found;
}

describe('many logical CPUs', () => {
  it('count with what all of them have', () => {
    fc.assert(
      fc.property(plan, plan, (one, other) => {
        const both = describeHost(hostOf(one, [{ ...other, kind: one.kind ?? 'system' }]));
        const first = seen(one);
        const second = seen({ ...other, kind: one.kind ?? 'system' });
        for (const name of names)
          expect(both.effective(name)).toBe(
            Math.min(first.effective(name), second.effective(name)),
          );
      }),
    );
  });
});

describe('an absence', () => {
  it('is explained exactly where the bit is there', () => {
    fc.assert(
      fc.property(plan, (one) => {
        const host = seen(one);
        for (const name of names) {
          const fell = host.hardware(name) === PRESENT && host.effective(name) === ABSENT;
          expect(explainAbsence(host, name) !== undefined, name).toBe(fell);
        }
      }),
    );
  });
});
