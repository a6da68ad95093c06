import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { profile, profileJson } from '../../src/formats/profile.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { CriuCpuinfo } from '../../src/model/criu-cpuinfo.js';
import { describeInputError, isInputError } from '../../src/model/errors.js';
import type { Host, SystemFacts } from '../../src/model/host.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';
import { ALL_KNOWN, ALL_KNOWN_64 } from '../../src/model/registers.js';
import { cpuTimer, TOO_LONG } from '../cpu-time.js';
import {
  bytesOf,
  changed,
  failureOf,
  fixtureJson,
  fixtureText,
  inputOf,
  readText,
} from './fixture.js';

const SMALL = {
  schemaVersion: 1,
  kind: 'cpugate-host-profile',
  name: 'web-7',
  hostKind: 'system',
  format: 'localhost',
  cpus: [
    {
      logical: '0-2,5',
      leaves: [
        '0x00000000 0x00: 0x0000000d 0x756e6547 0x6c65746e 0x49656e69',
        '0x00000007 0x00: 0x00000000 0x00000020 0x00000000 0x00000000 known 0xffffffff 0x00000020 0x00000000 0x00000000',
      ],
      xcr0: '0x7',
      xcr0Known: '0xff',
      xinuse: '0x3',
    },
  ],
  system: { kernel: '6.1.0', hwcap2: '0x2', hypervisor: '' },
  remarks: ['made by hand'],
};

function written(host: Host): string {
  return profile.write?.(host).content as string;
}

function readBack(host: Host): Host {
  return profile.read(inputOf(written(host)));
}

describe('what a file says', () => {
  it('is the host, unknown bits included', async () => {
    const row: LeafRow = {
      leaf: 7,
      subleaf: 0,
      eax: 0,
      ebx: 0x20,
      ecx: 0,
      edx: 0,
      known: { eax: ALL_KNOWN, ebx: 0x20, ecx: 0, edx: 0 },
    };
    const vendor = { eax: 0xd, ebx: 0x756e6547, ecx: 0x6c65746e, edx: 0x49656e69 };
    expect(await readText(SMALL)).toEqual({
      name: 'web-7',
      kind: 'system',
      format: 'localhost',
      cpus: [
        {
          logical: [0, 1, 2, 5],
          leaves: leafTable([{ leaf: 0, subleaf: 0, ...vendor }, row]),
          xcr0: { value: 7n, known: 0xffn },
          xinuse: 3n,
        },
      ],
      system: { kernel: '6.1.0', hwcap2: 2n, hypervisor: '' },
      remarks: ['made by hand'],
    });
  });

  // QEMU's Skylake-Server is family 6, model 85, stepping 4; Linux without AVX-512 enables
  // components 0, 1, 2 and 9 there, and PKRU ends at 2688 + 8.
  it('is what the guest was that it was taken in', async () => {
    const seen = describeHost(await readText(fixtureText('profile')));
    expect(seen.signature).toEqual({ family: 6, model: 85, stepping: 4 });
    expect(seen.xsave.enabled).toEqual({ value: 0x207n, known: ALL_KNOWN_64 });
    expect(seen.xsave.areaBytes).toBe(2696);
    expect(seen.logicalCpus).toBe(2);
    expect(seen.system.cpuidFaulting?.works).toBe(true);
  });

  it.each([
    ['without line breaks', JSON.stringify(SMALL)],
    ['indented by tabs', JSON.stringify(SMALL, null, '\t')],
    ['with the line ends of Windows', JSON.stringify(SMALL, null, 2).replaceAll('\n', '\r\n')],
    ['behind a byte order mark', `\ufeff${JSON.stringify(SMALL)}`],
    ['behind blank lines', `\n\n  ${JSON.stringify(SMALL)}\n\n`],
    ['with its entries sorted', JSON.stringify(Object.fromEntries(Object.entries(SMALL).sort()))],
  ])('%s is read alike', async (_, text) => {
    expect(await readText(text)).toEqual(await readText(SMALL));
  });

  it('is found where 4 KiB of leaves come first', async () => {
    const { cpus, ...rest } = fixtureJson('profile');
    const text = JSON.stringify({ cpus, ...rest });
    expect(text.indexOf('cpugate-host-profile')).toBeGreaterThan(2000);
    const padded = `{${' '.repeat(5000)}${text.slice(1)}`;
    expect((await readText(padded)).name).toBe('web-7');
  });
});

/** Objects as JSON makes them, with the prototype of all. */
function plainRecord<T, K extends keyof T = keyof T>(
  model: { [key in keyof T]: fc.Arbitrary<T[key]> },
  requiredKeys?: K[],
) {
  return fc.record<T, K>(model, {
    noNullPrototype: true,
    ...(requiredKeys === undefined ? {} : { requiredKeys }),
  } as fc.RecordConstraints<K>);
}

const u32 = fc.integer({ min: 0, max: ALL_KNOWN });
const u64 = fc.bigInt({ min: 0n, max: ALL_KNOWN_64 });
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const four = plainRecord({ eax: u32, ebx: u32, ecx: u32, edx: u32 });
const row: fc.Arbitrary<LeafRow> = fc
  .tuple(u32, fc.integer({ min: 0, max: 0xffff }), four, fc.option(four, { nil: undefined }))
  .map(([leaf, subleaf, values, known]) =>
    known === undefined ? { leaf, subleaf, ...values } : { leaf, subleaf, ...values, known },
  );
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const system: fc.Arbitrary<SystemFacts> = plainRecord(
  {
    kernel: text,
    microcode: text,
    cpuinfoFlags: fc.array(text, { maxLength: 5 }),
    hwcap: u64,
    hwcap2: u64,
    minSigStackBytes: u32,
    glibc: plainRecord({ version: text, isaLevel: fc.integer({ min: 1, max: 4 }) }, ['version']),
    xcompSupported: u64,
    cpuidFaulting: plainRecord({ works: fc.boolean(), reason: text }),
    hypervisor: text,
  },
  [],
);

const criu: fc.Arbitrary<CriuCpuinfo> = plainRecord({
  vendor: fc.constantFrom('unknown', 'intel', 'amd'),
  family: u32,
  model: u32,
  stepping: u32,
  capabilityVersion: fc.constantFrom(1, 2),
  words: fc.array(u32, { maxLength: 19 }),
  modelId: optional(text),
  xfeaturesMask: optional(u64),
  xsaveSize: optional(u32),
  xsaveSizeMax: optional(u32),
});

const cpu = plainRecord(
  {
    leaves: fc
      .uniqueArray(row, { maxLength: 20, selector: (one) => `${one.leaf}.${one.subleaf}` })
      .map(leafTable),
    xcr0: plainRecord({ value: u64, known: u64 }),
    xinuse: u64,
  },
  ['leaves'],
);

/** Logical CPUs dealt out to groups in any pattern. */
const cpus = fc
  .tuple(
    fc.array(cpu, { minLength: 1, maxLength: 4 }),
    fc.uniqueArray(fc.integer({ min: 0, max: 65_535 }), { minLength: 4, maxLength: 60 }),
  )
  .map(([groups, numbers]) =>
    groups.map((group, place) => ({
      ...group,
      logical: numbers.filter((_, index) => index % groups.length === place).sort((a, b) => a - b),
    })),
  );

const anyHost: fc.Arbitrary<Host> = plainRecord(
  {
    name: text,
    format: text,
    kind: fc.constantFrom('system', 'cpu', 'model'),
    cpus,
    system,
    criu,
    remarks: fc.array(text, { maxLength: 4 }),
  },
  ['name', 'format', 'kind', 'cpus', 'remarks'],
);

describe('writing', () => {
  it('loses nothing of any host', () => {
    fc.assert(
      fc.property(anyHost, (host) => {
        expect(readBack(host)).toStrictEqual(host);
      }),
    );
  });

  it('writes the same for what was read', () => {
    fc.assert(
      fc.property(anyHost, (host) => {
        expect(written(readBack(host))).toBe(written(host));
      }),
    );
  });

  it('says nothing of the time', () => {
    const host = profile.read(inputOf(fixtureText('profile')));
    expect(Object.keys(JSON.parse(written(host)))).not.toContain('taken');
    expect(written(host)).toBe(written(host));
  });

  it('adds what the caller knows', async () => {
    const extra = { taken: '2026-03-01T12:00:00Z', cpugate: '9.9.9' };
    const json = profileJson(await readText(SMALL), extra);
    expect(json).toMatchObject(extra);
    expect(await readText(json)).toEqual(await readText(SMALL));
  });

  it('keeps numbers of CPUs short', async () => {
    const [first] = (await readText(SMALL)).cpus;
    const many: Host = {
      name: 'large',
      format: 'localhost',
      kind: 'system',
      cpus: [
        {
          logical: Array.from({ length: 512 }, (_, i) => i),
          leaves: leafTable(first?.leaves.rows ?? []),
        },
      ],
      remarks: [],
    };
    expect(written(many)).toContain('"0-511"');
    expect(readBack(many)).toEqual(many);
  });
});

const leaf = (line: string) =>
  changed(SMALL, (p) => {
    p.cpus[0].leaves[1] = line;
  });
const ROW = '0x00000001 0x00: 0x00000000 0x00000000 0x00000000 0x00000000';

describe('refuses', () => {
  it.each<[string, unknown, string, RegExp]>([
    [
      'a newer version',
      changed(SMALL, (p) => {
        p.schemaVersion = 2;
      }),
      'too-new',
      /newer cpugate/,
    ],
    [
      'an older version',
      changed(SMALL, (p) => {
        p.schemaVersion = 0;
      }),
      'malformed',
      /must be 1/,
    ],
    [
      'a version in words',
      changed(SMALL, (p) => {
        p.schemaVersion = '1';
      }),
      'malformed',
      /must be 1/,
    ],
    [
      'a missing list of CPUs',
      changed(SMALL, (p) => {
        delete p.cpus;
      }),
      'malformed',
      /lacks "cpus"/,
    ],
    [
      'an empty list of CPUs',
      changed(SMALL, (p) => {
        p.cpus = [];
      }),
      'malformed',
      /fewer than 1 item/,
    ],
    [
      'CPUs that are no list',
      changed(SMALL, (p) => {
        p.cpus = {};
      }),
      'malformed',
      /must be array/,
    ],
    [
      'a CPU that is null',
      changed(SMALL, (p) => {
        p.cpus = [null];
      }),
      'malformed',
      /must be object/,
    ],
    [
      'a kind of host that is none',
      changed(SMALL, (p) => {
        p.hostKind = 'vm';
      }),
      'malformed',
      /"system", "cpu", "model"/,
    ],
    [
      'another entry',
      changed(SMALL, (p) => {
        p.cpus[0].model = 1;
      }),
      'malformed',
      /"model" that doesn't belong/,
    ],
    [
      'a name without end',
      changed(SMALL, (p) => {
        p.name = 'x'.repeat(5000);
      }),
      'malformed',
      /longer than 4096/,
    ],
    ['a leaf with a register missing', leaf(ROW.slice(0, -11)), 'malformed', /is not a leaf/],
    ['a leaf with a register too many', leaf(`${ROW} 0x00000000`), 'malformed', /is not a leaf/],
    [
      'a register of nine digits',
      leaf(ROW.replace('0x00000000', '0x100000000')),
      'malformed',
      /is not a leaf/,
    ],
    [
      'a negative register',
      leaf(ROW.replace('0x00000000', '-x00000001')),
      'malformed',
      /is not a leaf/,
    ],
    [
      'a subleaf that is too large',
      leaf(ROW.replace('0x00:', '0x10000:')),
      'malformed',
      /is not a leaf/,
    ],
    [
      'a leaf with half of what is known',
      leaf(`${ROW} known 0xffffffff`),
      'malformed',
      /is not a leaf/,
    ],
    [
      'a leaf twice',
      changed(SMALL, (p) => {
        p.cpus[0].leaves[1] = p.cpus[0].leaves[0].replace('0x0000000d', '0x0000000e');
      }),
      'malformed',
      /leaf 0x0\.0 is there twice/,
    ],
    [
      'a CPU in two groups',
      changed(SMALL, (p) => {
        p.cpus.push({ ...p.cpus[0], logical: '2' });
      }),
      'malformed',
      /CPU 2 is there twice/,
    ],
    [
      'a CPU twice in a list',
      changed(SMALL, (p) => {
        p.cpus[0].logical = '1,1';
      }),
      'malformed',
      /is not a list of CPUs/,
    ],
    [
      'an empty list of numbers',
      changed(SMALL, (p) => {
        p.cpus[0].logical = '';
      }),
      'malformed',
      /is not a list of CPUs/,
    ],
    [
      'more CPUs than Linux has',
      changed(SMALL, (p) => {
        p.cpus[0].logical = '0-65536';
      }),
      'malformed',
      /is not a list of CPUs/,
    ],
    [
      'known bits of nothing',
      changed(SMALL, (p) => {
        delete p.cpus[0].xcr0;
      }),
      'malformed',
      /has xcr0Known without xcr0/,
    ],
    [
      'a mask of 65 bits',
      changed(SMALL, (p) => {
        p.cpus[0].xcr0 = '0x10000000000000000';
      }),
      'malformed',
      /pattern/,
    ],
    [
      'a mask as a number',
      changed(SMALL, (p) => {
        p.cpus[0].xcr0 = 7;
      }),
      'malformed',
      /must be string/,
    ],
    [
      'a size below zero',
      changed(SMALL, (p) => {
        p.system.minSigStackBytes = -1;
      }),
      'malformed',
      />= 0/,
    ],
    [
      'a level of half',
      changed(SMALL, (p) => {
        p.system.glibc = { version: '2.36', isaLevel: 1.5 };
      }),
      'malformed',
      /must be integer/,
    ],
    ['a list', `[${JSON.stringify(SMALL)}]`, 'unknown-format', /no format/],
  ])('%s', async (_, value, code, message) => {
    const error = await failureOf(value);
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });

  it('with the line and column of what is no JSON', async () => {
    const error = await failureOf(JSON.stringify(SMALL, null, 1).replace('"web-7",', '"web-7"'));
    expect(describeInputError(error)).toMatch(
      /^input: is not valid JSON: expected "," or "}" at line 5, column 2$/,
    );
  });

  it('with the place of what is wrong', async () => {
    const error = await failureOf(
      changed(SMALL, (p) => {
        p.system.hwcap2 = 'none';
      }),
    );
    expect(describeInputError(error)).toBe(
      'input: /system/hwcap2: must have the pattern ^0x[0-9a-f]{1,16}$\n' +
        '  schemas/host-profile.schema.json describes what belongs there.',
    );
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'an entry called %s, wherever it stands',
    async (name) => {
      const entry = `{${JSON.stringify(name)}:{"polluted":true},`;
      const whole = JSON.stringify(SMALL);
      const places = [...whole.matchAll(/\{/g)].map((match) => match.index);
      expect(places.length).toBe(3);
      for (const place of places) {
        const error = await failureOf(whole.slice(0, place) + entry + whole.slice(place + 1));
        expect(error.message).toContain(`${JSON.stringify(name)} that doesn't belong`);
      }
      expect('polluted' in {}).toBe(false);
    },
  );

  it('a file that was cut anywhere', async () => {
    const whole = JSON.stringify(SMALL);
    for (let length = 0; length < whole.length; length++) {
      const error = await failureOf(whole.slice(0, length));
      expect(['malformed', 'unknown-format']).toContain(error.code);
    }
  });

  it('bytes that are no UTF-8', async () => {
    const bytes = bytesOf(SMALL);
    bytes[bytes.indexOf('w'.charCodeAt(0), 60)] = 0xff;
    expect((await failureOf(bytes)).message).toBe('is not valid JSON: it is not UTF-8');
  });

  it('nothing slowly', async () => {
    const wide = changed(SMALL, (p) => {
      p.remarks = ['x'.repeat(28_000_000)];
    });
    const deep = JSON.stringify(SMALL).replace('"made by hand"', '['.repeat(15_000_000));
    const many = changed(SMALL, (p) => {
      p.cpus[0].leaves = Array(400_000).fill(ROW);
    });
    const spent = cpuTimer();
    for (const value of [wide, deep, many]) expect(isInputError(await failureOf(value))).toBe(true);
    expect(spent()).toBeLessThan(TOO_LONG);
  });
});
