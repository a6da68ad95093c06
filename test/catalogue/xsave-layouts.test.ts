import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  findXsaveDesign,
  placeInDesign,
  XSAVE_DESIGNS,
  type XsaveDesign,
} from '../../src/catalogue/xsave-layouts.js';

function design(vendor: string, family: number, model: number): XsaveDesign {
  const found = findXsaveDesign(vendor, family, model);
  if (found === undefined) throw new Error(`no ${vendor} ${family} ${model}`);
  return found;
}

function bits(mask: bigint): number[] {
  return Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (mask >> BigInt(bit)) & 1n);
}

/** Bytes of the standard format: x87, SSE and the header end at 576. */
function areaBytes(of: XsaveDesign, mask: bigint): number {
  const ends = bits(mask)
    .filter((bit) => bit > 1)
    .map((bit) => {
      const place = placeInDesign(of, bit);
      if (place === undefined) throw new Error(`no place of ${bit}`);
      return place.offset + place.size;
    });
  return Math.max(576, ...ends);
}

describe('the table', () => {
  it('has every model once', () => {
    const models = XSAVE_DESIGNS.flatMap(({ vendor, family, models: of }) =>
      of.map((model) => `${vendor} ${family} ${model}`),
    );
    expect(new Set(models).size).toBe(models.length);
  });
  it('knows nothing of a model of which there is no dump', () => {
    expect(findXsaveDesign('GenuineIntel', 6, 250)).toBeUndefined();
    expect(findXsaveDesign('AuthenticAMD', 6, 85)).toBeUndefined();
  });
  // Leaf 0xD.0 ECX as published: Linux and QEMU sources, Intel SDM vol. 1, 13.5, AMD APM vol. 2, 11.5.
  it.each<[string, XsaveDesign, number]>([
    ['Haswell', design('GenuineIntel', 6, 63), 832],
    ['Skylake', design('GenuineIntel', 6, 78), 1088],
    ['Ice Lake', design('GenuineIntel', 6, 106), 2696],
    ['Sapphire Rapids', design('GenuineIntel', 6, 143), 11008],
    ['Zen', design('AuthenticAMD', 23, 1), 832],
    ['Zen 2', design('AuthenticAMD', 23, 49), 896],
    ['Zen 3', design('AuthenticAMD', 25, 1), 2440],
    ['Zen 4', design('AuthenticAMD', 25, 17), 2440],
    ['Zen 5', design('AuthenticAMD', 26, 2), 2440],
    ['Bulldozer', design('AuthenticAMD', 21, 1), 960],
  ])('%s: %# bytes', (_, of, bytes) => {
    expect(areaBytes(of, of.offered[0] as bigint)).toBe(bytes);
  });
  it('has no place of what no CPU of the model offers', () => {
    expect(placeInDesign(design('GenuineIntel', 6, 63), 5)).toBeUndefined();
    expect(placeInDesign(design('AuthenticAMD', 25, 1), 3)).toBeUndefined();
  });
});

/** Named profiles, whose layouts come from dumps of their own. */
describe('against the named profiles', () => {
  it.each<[string, string, number, number]>([
    ['haswell', 'GenuineIntel', 6, 63],
    ['skylake-sp', 'GenuineIntel', 6, 85],
    ['icelake-sp', 'GenuineIntel', 6, 106],
    ['sapphirerapids', 'GenuineIntel', 6, 143],
    ['graniterapids', 'GenuineIntel', 6, 173],
    ['opteron-g4', 'AuthenticAMD', 21, 1],
    ['epyc-rome', 'AuthenticAMD', 23, 49],
    ['epyc-milan', 'AuthenticAMD', 25, 1],
    ['epyc-genoa', 'AuthenticAMD', 25, 17],
    ['epyc-turin', 'AuthenticAMD', 26, 2],
    ['hygon-dhyana', 'HygonGenuine', 24, 1],
  ])('%s', (name, vendor, family, model) => {
    const path = new URL(`../../cpu-profiles/${name}.json`, import.meta.url);
    const { xsave } = JSON.parse(readFileSync(path, 'utf8'));
    const of = design(vendor, family, model);
    for (const { bit, size, offset } of xsave.components)
      if (bit > 1) expect(placeInDesign(of, bit)).toMatchObject({ size, offset });
  });
});

const shared =
  process.env.CPUGATE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const facts = `${shared}/facts/xsave-layouts.csv`;

describe.skipIf(!existsSync(facts))('against the layouts of all dumps', () => {
  const rows = (existsSync(facts) ? readFileSync(facts, 'utf8') : '')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  it('holds every model, and no other', () => {
    const models = XSAVE_DESIGNS.flatMap(({ vendor, family, models: of }) =>
      of.map((model) => `${vendor},${family},${model}`),
    );
    expect(models.sort()).toEqual(rows.map((row) => row.slice(0, 3).join(',')).sort());
  });
  it('gives each the masks, places and sizes that its dumps have', () => {
    for (const [
      vendor = '',
      family,
      model,
      ,
      xcr0 = '',
      xss = '',
      sizes = '',
      places = '',
    ] of rows) {
      const of = design(vendor, Number(family), Number(model));
      const masks = xcr0.split(' ').map(BigInt);
      for (const mask of masks) expect(of.offered).toContain(mask);
      const bytes = [...new Set(masks.map((mask) => areaBytes(of, mask)))];
      expect(bytes).toEqual(sizes.split(' ').map(Number));
      for (const mask of xss === '' ? [] : xss.split(' ').map(BigInt))
        expect(of.supervisor & mask).toBe(mask);
      for (const place of places.split(' ').filter((text) => text !== '' && !text.includes('@S'))) {
        const [, bit, size, offset, flags] = /^(\d+):(\d+)@(\d+)(\w*)$/.exec(place) ?? [];
        expect(placeInDesign(of, Number(bit))).toEqual({
          size: Number(size),
          offset: Number(offset),
          aligned: flags?.includes('a') ?? false,
        });
      }
    }
  });
});
