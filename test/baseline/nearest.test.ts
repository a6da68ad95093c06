/** The tables that the build derives say what deriving them again says. */
import { describe, expect, it } from 'vitest';
import { visibleFeatures } from '../../src/baseline/host-kind.js';
import { nearestModel } from '../../src/baseline/nearest.js';
import { featureRow, ROWS } from '../../src/catalogue/index.js';
import { MODEL_FEATURES } from '../../src/generated/model-features.js';
import { describeHost } from '../../src/model/capabilities.js';
import { derivePrerequisites } from '../../src/model/derive-prerequisites.js';
import { CLOSURE_ORDER, countingPrerequisites } from '../../src/model/prerequisites.js';
import { hostOf, names } from '../profiles/load.js';
import { baselineOfPlans, INTEL_512 } from './clusters.js';

describe('the table of the models', () => {
  it('has every model', () => {
    expect(Object.keys(MODEL_FEATURES).sort()).toEqual([...names].sort());
  });
  it.each(names)('holds what tasks can count on under %s', (name) => {
    expect(MODEL_FEATURES[name]?.map((place) => ROWS[place]?.name)).toEqual(
      visibleFeatures(describeHost(hostOf(name))),
    );
  });
  it('finds a model for a baseline of its features', () => {
    const baseline = baselineOfPlans([INTEL_512]);
    const features = visibleFeatures(describeHost(hostOf('haswell')));
    expect(nearestModel({ ...baseline, features })).toMatchObject({
      name: 'haswell',
      plus: [],
      minus: [],
    });
  });
});

describe('the table of prerequisites', () => {
  it('holds those that the catalogue counts', () => {
    for (const { name } of ROWS)
      expect(countingPrerequisites(name), name).toEqual(derivePrerequisites(name));
  });
  it('has every feature once, behind what it needs', () => {
    expect([...CLOSURE_ORDER].sort()).toEqual(ROWS.map(({ name }) => name).sort());
    CLOSURE_ORDER.forEach((name, place) => {
      for (const needed of countingPrerequisites(name))
        expect(CLOSURE_ORDER.indexOf(needed), `${needed} before ${name}`).toBeLessThan(place);
    });
    expect(countingPrerequisites('avx2')).toContain('avx');
    expect(featureRow('avx2').needs?.length).toBeGreaterThan(0);
  });
});
