import { describe, expect, it } from 'vitest';
import { findProfileName } from '../../src/formats/named-profile.js';
import { profileOfProcessor } from '../../src/formats/processor-name.js';
import { describeHost } from '../../src/model/capabilities.js';
import { corpusHosts, corpusIsHere } from '../export/examples.js';
import { hostOf } from '../profiles/load.js';

/** Family 6. */
const CORE_MODELS: Readonly<Record<string, readonly number[]>> = {
  alderlake: [151, 154],
  raptorlake: [183, 186, 191],
  gracemont: [190],
  meteorlake: [170],
  'arrowlake-s': [198],
};

describe('a processor number', () => {
  it.each([
    ['EPYC 7601', 'epyc-naples'],
    ['EPYC 7571', 'epyc-naples'],
    ['AMD EPYC 7302 16-Core Processor', 'epyc-rome'],
    ['epyc 7763', 'epyc-milan'],
    ['AMD EPYC 7R13 Processor', 'epyc-milan'],
    ['AMD EPYC 7713P 64-Core Processor', 'epyc-milan'],
    ['EPYC 9654', 'epyc-genoa'],
    ['EPYC 9755', 'epyc-turin'],
    ['Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz', 'skylake-sp'],
    ['Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz', 'cascadelake'],
    ['Xeon Gold 6338', 'icelake-sp'],
    ['Xeon Gold 6328H', 'cooperlake'],
    ['Xeon Gold 6328HL', 'cooperlake'],
    ['Xeon Platinum 8488C', 'sapphirerapids'],
    ['INTEL(R) XEON(R) PLATINUM 8573C', 'emeraldrapids'],
    ['Intel(R) Xeon(R) 6972P', 'graniterapids'],
    ['Intel(R) Xeon(R) 6780E', 'sierraforest'],
    ['Xeon E5-2670', 'sandybridge'],
    ['Xeon E5-2670 v2', 'ivybridge'],
    ['Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz', 'broadwell'],
    ['Xeon E5-2680 v4', 'broadwell'],
    ['Xeon E5-2676 v3', 'haswell'],
    ['12th Gen Intel(R) Core(TM) i9-12900K', 'alderlake'],
    ['Core i7-1255U', 'alderlake'],
    ['13th Gen Intel(R) Core(TM) i7-1365U', 'raptorlake'],
    ['Intel(R) Core(TM) i9-14900KF', 'raptorlake'],
    ['Intel(R) Core(TM) i3-N305', 'gracemont'],
    ['Intel(R) Core(TM) 3 N355', 'gracemont'],
    ['Intel(R) Core(TM) Ultra 7 155H', 'meteorlake'],
    ['Core Ultra 9 285K', 'arrowlake-s'],
  ])('%s is of %s', (text, profile) => {
    expect(profileOfProcessor(text)).toBe(profile);
  });
  it.each([
    ['a client CPU without a profile', 'Core i7-6700K'],
    ['a generation before', '11th Gen Intel(R) Core(TM) i7-1165G7'],
    ['another design of the series', 'Core Ultra 7 258V'],
    ['a third one', 'Core Ultra 7 265H'],
    ['a word in another', 'score i7-12700'],
    ['a number that no scheme has', 'EPYC 7766'],
    ['EPYC 4004, which is a client design', 'EPYC 4564P'],
    ['a generation to come', 'Xeon Gold 6638'],
    ['a file', 'epyc-7763.json'],
    ['a path', './EPYC 7763'],
    ['two', 'EPYC 7763 EPYC 7302'],
    ['Xeon D', 'Xeon D-2141I'],
    ['a hypervisor’s name', 'Intel Xeon Processor (Skylake, IBRS)'],
  ])('%s names none', (_, text) => expect(findProfileName(text)).toBeUndefined());
  it.skipIf(!corpusIsHere)('of a published dump of a Core is of its design', () => {
    const seen = new Set<string>();
    for (const host of corpusHosts()) {
      const { brand = '', signature } = describeHost(host);
      const profile = /intel.*core/i.test(brand) ? profileOfProcessor(brand) : undefined;
      if (profile === undefined || signature === undefined) continue;
      const designs = CORE_MODELS[profile] ?? [];
      expect(designs, brand).toContain(signature.model);
      seen.add(profile);
    }
    expect([...seen].sort()).toEqual(Object.keys(CORE_MODELS).sort());
  });
  it.skipIf(!corpusIsHere)('of a published dump is that of its CPU', () => {
    let found = 0;
    for (const host of corpusHosts()) {
      const { brand = '', signature, vendor } = describeHost(host);
      const profile = profileOfProcessor(brand);
      if (profile === undefined) continue;
      found++;
      const model = describeHost(hostOf(profile));
      expect([brand, vendor, signature?.family]).toEqual([
        brand,
        model.vendor,
        model.signature?.family,
      ]);
    }
    expect(found).toBeGreaterThan(0);
  });
});
