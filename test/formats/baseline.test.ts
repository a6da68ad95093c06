import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { hostOfBaseline } from '../../src/formats/baseline.js';
import { findFormat, readHost } from '../../src/formats/index.js';
import validate from '../../src/generated/baseline.js';
import { describeHost } from '../../src/model/capabilities.js';
import { isInputError } from '../../src/model/errors.js';
import { ABSENT, PRESENT } from '../../src/model/xsave.js';
import {
  AMD_512,
  baselineOfPlans,
  fileText,
  INTEL_512,
  models,
  readText,
} from '../baseline/clusters.js';
import { HASWELL, type HostPlan } from '../hosts.js';

const NARROW: HostPlan = {
  ...HASWELL,
  name: 'narrow',
  features: HASWELL.features.filter((name) => name !== 'movbe'),
  system: { glibc: { version: '2.31' } },
};
const TEXT = fileText(baselineOfPlans([INTEL_512, AMD_512, HASWELL, NARROW]));
const fresh = () => JSON.parse(TEXT);

function read(text: string) {
  return readHost('cluster.json', new TextEncoder().encode(text));
}

async function failure(text: string): Promise<{ message: string; at: string | undefined }> {
  try {
    await read(text);
  } catch (error) {
    if (!isInputError(error)) throw error;
    expect(error.place.file).toBe('cluster.json');
    expect(error.remedy ?? '').not.toMatch(/undefined/);
    return { message: error.message, at: error.place.at };
  }
  throw new Error('was read without complaint');
}

describe('a baseline file', () => {
  it('fits its schema', () => {
    expect(validate(fresh()), JSON.stringify(validate.errors)).toBe(true);
  });
  it('has what programs rely on, by these names', () => {
    const json = fresh();
    expect(json).toMatchObject({
      schemaVersion: 1,
      kind: 'cpugate-baseline',
      hostCount: 4,
      level: 'x86-64-v2',
      xsave: { xcr0: '0x7', size: 2696, enabledAnywhere: '0x2e7' },
      floors: { size: 2696 },
    });
    expect(json.features).toContain('avx2');
    expect(json.xsave.components).toContainEqual({
      bit: 2,
      name: 'ymm_hi128',
      size: 256,
      offset: 576,
      aligned: false,
    });
    const dropped = json.dropped.find((one: { feature: string }) => one.feature === 'movbe');
    expect(dropped.because).toEqual([{ kind: 'lacking', hosts: ['narrow'], count: 1 }]);
    const narrow = json.hosts.find((one: { names: string[] }) => one.names[0] === 'narrow');
    expect(narrow).toMatchObject({ count: 1, glibc: ['2.31'], gain: ['movbe'] });
    expect(narrow.id).toMatch(/^[0-9a-f]{12}$/);
  });
  it('keeps one kind of hosts a line', () => {
    expect(TEXT.split('\n').filter((line) => line.includes('"extra"'))).toHaveLength(4);
  });
  it('of an earlier version accepts what its hosts differ in', () => {
    const { accepts, ...earlier } = fresh();
    expect(accepts.vendors).toEqual(['AuthenticAMD', 'GenuineIntel']);
    expect(readText(JSON.stringify(earlier)).baseline.accepts).toEqual(accepts);
  });
  it('gives back cluster and options', () => {
    const made = baselineOfPlans([INTEL_512, AMD_512], {
      without: ['erms', 'movbe'],
      keepLayoutConflicts: true,
    });
    const { baseline, cluster, options } = readText(fileText(made));
    expect([...cluster.values()]).toEqual([...made.cluster.values()]);
    expect(options).toMatchObject({ without: ['erms', 'movbe'], keepLayoutConflicts: true });
    expect(baseline.features).toEqual(made.features);
    expect(baseline.dropped).toEqual(made.dropped);
  });
  it('keeps which subleaves tasks were shown, and what CPUs show beyond what is enabled', () => {
    const places = { ...INTEL_512.places, 3: [64, 960] } as const;
    const made = baselineOfPlans([{ ...INTEL_512, places }]);
    const json = JSON.parse(fileText(made));
    const bound = { bit: 3, name: 'bndregs', size: 64, offset: 960, aligned: false };
    expect(json.hosts[0].xsave.shown).toEqual([bound]);
    expect(json.floors.subleaves).toContainEqual(bound);
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
    expect(readText(fileText(made)).baseline.floors).toEqual(made.floors);
    expect(describeHost(hostOfBaseline('m', made)).xsave.shown).toContainEqual(
      expect.objectContaining({ bit: 3, size: 64, isKnown: true }),
    );
  });
  it('of an older release reads as ever; what its tasks were shown is not known', () => {
    const made = baselineOfPlans([HASWELL, INTEL_512]);
    const json = JSON.parse(fileText(made));
    expect(json.hosts[0].xsave).not.toHaveProperty('shown');
    delete json.floors.subleaves;
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
    const { baseline } = readText(JSON.stringify(json));
    expect(baseline.floors.subleaves).toBeUndefined();
    expect(baseline.subleaves).toEqual(made.subleaves);
    const { shown } = describeHost(hostOfBaseline('m', baseline)).xsave;
    expect(shown.map(({ bit, isKnown }) => [bit, isKnown])).toEqual([
      [2, true],
      [5, false],
      [6, false],
      [7, false],
      [9, false],
    ]);
    expect(JSON.parse(fileText(baseline)).floors).not.toHaveProperty('subleaves');
  });
  it('is written alike whatever tool sorted its entries', async () => {
    const sorted = Object.fromEntries(Object.entries(fresh()).sort(([a], [b]) => (a < b ? -1 : 1)));
    expect((await read(JSON.stringify(sorted))).format).toBe('baseline');
  });
  it('is a format of the program', async () => {
    expect((await findFormat('baseline'))?.title).toMatch(/baseline/);
  });
});

describe('a baseline as host', () => {
  it('has its features and no others', async () => {
    const seen = describeHost(await read(TEXT));
    expect(seen.effective('avx2')).toBe(PRESENT);
    expect(seen.effective('movbe')).toBe(ABSENT);
    expect(seen.effective('avx512f')).toBe(ABSENT);
    expect(seen.kind).toBe('model');
  });
  it('has sizes of the largest host, and places of its components', async () => {
    const { xsave, vendor } = describeHost(await read(TEXT));
    expect(xsave.areaBytes).toBe(2696);
    expect(xsave.enabled.value).toBe(7n);
    expect(xsave.components.at(-1)).toMatchObject({ name: 'ymm_hi128', size: 256, offset: 576 });
    expect(vendor).toBeUndefined();
  });
  it('has no size where its hosts tell none', async () => {
    const { areaBytes: _none, ...untold } = {
      ...HASWELL,
      name: 'vague',
      maskUntold: true as const,
    };
    const text = fileText(baselineOfPlans([HASWELL, untold]));
    const seen = describeHost(await read(text));
    expect(seen.xsave.areaBytes).toBeUndefined();
  });
  it('of one CPU model is that model to tasks', async () => {
    const made = baselineOf(models('sapphirerapids'));
    const seen = describeHost(await read(fileText(made)));
    expect(seen.vendor).toBe('GenuineIntel');
    expect(seen.xsave.components.find(({ bit }) => bit === 18)).toMatchObject({
      size: 8192,
      offset: 2816,
      aligned: true,
    });
  });
});

// biome-ignore lint/suspicious/noExplicitAny: tests damage it in ways that no type allows.
type Damage = (json: any) => void;

describe('a baseline that contradicts itself', () => {
  it.each<[string, Damage, RegExp, string]>([
    [
      'with a feature that a host lacks',
      (j) => j.features.push('movbe'),
      /id does not match the host/,
      '/hosts/',
    ],
    [
      'without a feature that all have',
      (j) => {
        j.features = j.features.filter((f: string) => f !== 'fma');
        for (const h of j.hosts) h.extra.push('fma');
      },
      /fma doesn't follow/,
      '/features',
    ],
    [
      'without what a feature needs',
      (j) => {
        j.features = j.features.filter((f: string) => f !== 'avx');
      },
      /fma is listed without avx/,
      '/hosts/0',
    ],
    [
      'with a feature nobody knows',
      (j) => j.features.push('warp_drive'),
      /knows no feature "warp_drive"/,
      '/features/',
    ],
    [
      'with a feature that tasks do not see',
      (j) => j.hosts[0].extra.push('smep'),
      /smep is not visible to tasks/,
      '/hosts/0/extra',
    ],
    [
      'with too small an area',
      (j) => {
        j.xsave.size = 832;
      },
      /doesn't follow.*2696/,
      '/xsave/size',
    ],
    [
      'with a size that a host does not tell',
      (j) => {
        j.hosts[0].xsave.size = null;
      },
      /id does not match the host/,
      '/hosts/0/id',
    ],
    [
      'with another level',
      (j) => {
        j.level = 'x86-64-v3';
      },
      /doesn't follow.*v2/,
      '/level',
    ],
    [
      'with more state than its hosts',
      (j) => {
        j.xsave.xcr0 = '0xe7';
      },
      /doesn't follow/,
      '/xsave/xcr0',
    ],
    [
      'with state twice',
      (j) => j.hosts[0].xsave.components.push(j.hosts[0].xsave.components[0]),
      /twice/,
      '/hosts/0',
    ],
    [
      'with a subleaf twice',
      (j) => j.floors.subleaves.push(j.floors.subleaves[0]),
      /twice/,
      '/floors/subleaves',
    ],
    [
      'with state both enabled and only shown',
      (j) => {
        j.hosts[0].xsave.shown = [j.hosts[0].xsave.components[2]];
      },
      /twice/,
      '/hosts/0',
    ],
    [
      'with XCR0 unlike the components',
      (j) => {
        j.hosts[0].xsave.xcr0 = '0x3';
      },
      /xcr0 and components/,
      '/hosts/0',
    ],
    [
      'with a feature known and unknown',
      (j) => j.hosts[0].unknown.push('fma'),
      /listed both as present and as unknown/,
      '/hosts/0',
    ],
    [
      'with no hosts',
      (j) => {
        j.hosts = [];
      },
      /fewer than 1 item/,
      '/hosts',
    ],
    [
      'with half a host',
      (j) => {
        j.hosts[0].count = 0.5;
      },
      /integer|>= 1/,
      '/hosts/0/count',
    ],
    [
      'with a host of no name but a control character',
      (j) => {
        j.hosts[0].names = ['a\u001b[2J'];
      },
      /pattern/,
      '/hosts/0/names',
    ],
    [
      'that accepts what its hosts have not',
      (j) => {
        j.accepts.vendors.push('CentaurHauls');
      },
      /AuthenticAMD, GenuineIntel/,
      '/accepts/vendors',
    ],
    [
      'with a set of features alone that has a vendor',
      (j) => {
        j.hosts[0].onlyFeatures = true;
      },
      /id does not match|is only features/,
      '/hosts/0',
    ],
    [
      'with an entry too many',
      (j) => {
        j.colour = 'red';
      },
      /"colour"/,
      '',
    ],
    [
      'of a later version',
      (j) => {
        j.schemaVersion = 2;
      },
      /newer cpugate/,
      '',
    ],
  ])('%s is refused', async (_, damage, message, at) => {
    const json = fresh();
    damage(json);
    const failed = await failure(JSON.stringify(json));
    expect(failed.message).toMatch(message);
    expect(failed.at ?? '').toContain(at);
  });
  it('cannot reach the prototype', async () => {
    const text = TEXT.replace('"hostCount"', '"__proto__": {"polluted": true}, "hostCount"');
    await failure(text);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
  it('by any damaged byte gives an error or a baseline, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(TEXT.length - 1),
        fc.constantFrom('', '0', '"', '}', ',', 'null', '-', '9'.repeat(20)),
        async (at, by) => {
          try {
            await read(TEXT.slice(0, at) + by + TEXT.slice(at + 1));
          } catch (error) {
            if (!isInputError(error)) throw error;
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('the schemas', () => {
  it.each(['baseline', 'baseline-change', 'baseline-drift', 'why-report'])(
    '%s allows no unknown entry',
    (name) => {
      const path = new URL(`../../schemas/${name}.schema.json`, import.meta.url);
      expect(JSON.parse(readFileSync(path, 'utf8')).additionalProperties).toBe(false);
    },
  );
});
