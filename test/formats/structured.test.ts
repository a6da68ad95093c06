import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/catalogue/index.js';
import { openInput } from '../../src/formats/format.js';
import { readHost } from '../../src/formats/index.js';
import { libvirtCpudata } from '../../src/formats/libvirt-cpudata.js';
import { profile } from '../../src/formats/profile.js';
import { describeHost } from '../../src/model/capabilities.js';
import { type InputError, isInputError } from '../../src/model/errors.js';
import type { Host } from '../../src/model/host.js';
import { leafTable, readRegister } from '../../src/model/leaves.js';
import { ABSENT, PRESENT, UNKNOWN } from '../../src/model/xsave.js';
import { cpuTimer, TOO_LONG } from '../cpu-time.js';
import { HASWELL, hostOf } from '../hosts.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => readHost('input', bytes(text));

async function failure(text: string | Uint8Array): Promise<InputError> {
  try {
    await readHost('input', typeof text === 'string' ? bytes(text) : text);
  } catch (error) {
    if (isInputError(error)) return error;
    throw error;
  }
  throw new Error('was read');
}

const PROFILE = {
  schemaVersion: 1,
  kind: 'cpugate-host-profile',
  name: 'web-7',
  hostKind: 'system',
  format: 'localhost',
  cpus: [
    {
      logical: '0-3',
      xcr0: '0x7',
      leaves: ['0x00000000 0x00: 0x0000000d 0x756e6547 0x6c65746e 0x49656e69'],
    },
  ],
};

const XML = `<!-- a comment -->
<cpudata arch='x86'>
  <cpuid eax_in='0x00000000' ecx_in='0x00' eax='0x0000000d' ebx='0x756e6547' ecx='0x6c65746e' edx='0x49656e69'/>
  <cpuid eax_in='0x00000007' ecx_in='0x00' eax='0x0' ebx='0x20'/>
  <msr index='0x10a' edx='0x0' eax='0x2b'/>
</cpudata>
`;

const QEMU = {
  return: {
    model: {
      name: 'base',
      props: {
        avx2: true,
        'sse4.1': true,
        'avx512-vnni': false,
        pni: true,
        vendor: 'GenuineIntel',
        family: 6,
        model: 60,
        stepping: 1,
        level: 13,
        'kvm-asyncpf': true,
      },
    },
  },
  id: 'model-expansion',
};

const bitmap = (value: number) => `0b${value.toString(2).padStart(32, '0')}`;
const FIRECRACKER = {
  firecracker_version: '1.10.1',
  kernel_version: '6.1.0',
  microcode_version: '0xd0003',
  bios_version: '1',
  bios_revision: '1',
  guest_cpu_config: {
    kvm_capabilities: [],
    msr_modifiers: [],
    cpuid_modifiers: [
      {
        leaf: '0x0',
        subleaf: '0x0',
        flags: 0,
        modifiers: [
          { register: 'eax', bitmap: bitmap(0xd) },
          { register: 'ebx', bitmap: bitmap(0x756e6547) },
          { register: 'ecx', bitmap: bitmap(0x6c65746e) },
          { register: 'edx', bitmap: bitmap(0x49656e69) },
        ],
      },
      {
        leaf: '0x7',
        subleaf: '0x0',
        flags: 1,
        modifiers: [
          { register: 'eax', bitmap: bitmap(0) },
          { register: 'ebx', bitmap: '0b00000000000000000000000x00100000' },
          { register: 'ecx', bitmap: bitmap(0) },
          { register: 'edx', bitmap: bitmap(0) },
        ],
      },
    ],
  },
};

const words = (values: Record<number, number>) =>
  Array.from({ length: 19 }, (_, place) => values[place] ?? 0);
const VZ = {
  type: 1,
  fmt_version: 1,
  cpu: {
    x86_family: 6,
    x86_vendor: 0,
    x86_model: 85,
    x86_mask: 4,
    x86_capability: words({ 4: (1 << 28) >>> 0, 9: 1 << 5 }),
    x86_power: 0,
    extended_cpuid_level: 0x80000008,
    cpuid_level: 22,
    x86_vendor_id: 'GenuineIntel',
    x86_model_id: 'Xeon',
    xfeatures_mask: 0x207,
    xsave_size_max: 2696,
    xsave_size: 832,
    xstate_offsets: [
      [2, 576],
      [9, 0xffffffff],
    ],
    xstate_sizes: [
      [2, 256],
      [9, 8],
    ],
    xsaves_size: 0,
    cpuid_call_trace: { in: [[7, 1, 0, 2]], out: [[0, 0x28, 8, 0]] },
  },
};

const LSCPU = {
  lscpu: [
    { field: 'Architecture:', data: 'x86_64' },
    {
      field: 'Vendor ID:',
      data: 'GenuineIntel',
      children: [
        {
          field: 'Model name:',
          data: 'Xeon',
          children: [
            { field: 'CPU family:', data: '6' },
            { field: 'Model:', data: '85' },
            { field: 'Stepping:', data: '4' },
            {
              field: 'Flags:',
              data: 'fpu tsc cx8 cmov clflush mmx fxsr sse sse2 syscall lm pni xsave avx',
            },
          ],
        },
      ],
    },
    { field: 'Vulnerabilities:', data: null },
  ],
};

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['profile', JSON.stringify(PROFILE)],
  ['libvirt-cpudata', XML],
  ['qemu-expansion', JSON.stringify(QEMU)],
  ['firecracker', JSON.stringify(FIRECRACKER)],
  ['vzcpuidctl', JSON.stringify(VZ)],
  ['lscpu', JSON.stringify(LSCPU)],
];

describe('each format', () => {
  it.each(EXAMPLES)('%s is found by its content', async (name, text) => {
    const host = await read(text);
    expect(host.format === name || name === 'profile').toBe(true);
    expect(describeHost(host).vendor).toBe('GenuineIntel');
  });
  it.each(EXAMPLES)(
    '%s cut short anywhere is an error that says so, or the same host',
    async (_, text) => {
      for (
        let length = 0;
        length < text.length;
        length += Math.max(1, Math.floor(text.length / 150))
      ) {
        try {
          await read(text.slice(0, length));
        } catch (error) {
          expect(isInputError(error), `cut at ${length}: ${error}`).toBe(true);
        }
      }
    },
  );
  it.each(EXAMPLES)(
    '%s with anything changed never fails but by an InputError',
    async (_, text) => {
      const original = bytes(text);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), {
            minLength: 1,
            maxLength: 8,
          }),
          async (changes) => {
            const changed = Uint8Array.from(original);
            for (const [place, value] of changes) changed[place] = value;
            try {
              describeHost(await readHost('input', changed));
            } catch (error) {
              if (!isInputError(error)) throw error;
            }
          },
        ),
        { numRuns: 300 },
      );
    },
  );
});

describe('cpugate profile', () => {
  const register = fc.integer({ min: 0, max: 0xffffffff });
  const four = fc.record({ eax: register, ebx: register, ecx: register, edx: register });
  const row = fc
    .tuple(register, fc.integer({ min: 0, max: 0xffff }), four, fc.option(four, { nil: undefined }))
    .map(([leaf, subleaf, values, known]) => ({
      leaf,
      subleaf,
      ...values,
      ...(known === undefined ? {} : { known }),
    }));
  const mask = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn });
  const text = fc.string({ maxLength: 30 });
  const cpu = fc.record({
    rows: fc.uniqueArray(row, { maxLength: 20, selector: (one) => `${one.leaf}.${one.subleaf}` }),
    xcr0: fc.option(fc.record({ value: mask, known: mask }), { nil: undefined }),
    xinuse: fc.option(mask, { nil: undefined }),
  });
  const host = fc
    .record({
      name: text,
      format: text,
      kind: fc.constantFrom('system' as const, 'cpu' as const, 'model' as const),
      cpus: fc.array(cpu, { minLength: 1, maxLength: 3 }),
      system: fc.option(
        fc.record(
          {
            kernel: text,
            hwcap: mask,
            hwcap2: mask,
            minSigStackBytes: fc.nat(),
            hypervisor: text,
            cpuidFaulting: fc.record({ works: fc.boolean(), reason: text }),
            glibc: fc.record({ version: text, isaLevel: fc.integer({ min: 1, max: 4 }) }),
          },
          { requiredKeys: [] },
        ),
        { nil: undefined },
      ),
      remarks: fc.array(text, { maxLength: 3 }),
    })
    .map(
      ({ cpus, system, ...rest }): Host => ({
        ...rest,
        cpus: cpus.map(({ rows, xcr0, xinuse }, place) => ({
          logical: [2 * place, 2 * place + 1],
          leaves: leafTable(rows),
          ...(xcr0 === undefined ? {} : { xcr0 }),
          ...(xinuse === undefined ? {} : { xinuse }),
        })),
        ...(system === undefined ? {} : { system }),
      }),
    );
  it('reads back exactly what was written', () => {
    fc.assert(
      fc.property(host, (one) => {
        const written = profile.write?.(one).content as string;
        expect(profile.read(openInput('input', bytes(written)))).toEqual(one);
      }),
    );
  });
  const change = (patch: (value: typeof PROFILE & Record<string, unknown>) => void) => {
    const copy = structuredClone(PROFILE) as typeof PROFILE & Record<string, unknown>;
    patch(copy);
    return JSON.stringify(copy);
  };
  it.each([
    [
      'a newer version',
      change((p) => {
        p.schemaVersion = 2;
      }),
      /newer cpugate.*schemaVersion 2/,
    ],
    [
      'a leaf that is none',
      change((p) => {
        p.cpus[0]!.leaves = ['7: 1 2 3 4'];
      }),
      /is not a leaf/,
    ],
    [
      'one leaf twice',
      change((p) => {
        p.cpus[0]!.leaves.push(p.cpus[0]!.leaves[0]!);
      }),
      /leaf 0x0\.0 is there twice/,
    ],
    [
      'one CPU twice',
      change((p) => {
        p.cpus.push(structuredClone(p.cpus[0]!));
      }),
      /CPU 0 is there twice/,
    ],
    [
      'a list of CPUs that runs backwards',
      change((p) => {
        p.cpus[0]!.logical = '3-0';
      }),
      /is not a list of CPUs/,
    ],
    [
      'a list of CPUs without end',
      change((p) => {
        p.cpus[0]!.logical = '0-9999999';
      }),
      /is not a list of CPUs/,
    ],
    [
      'an entry that does not belong',
      change((p) => {
        p.surprise = 1;
      }),
      /"surprise" that doesn't belong/,
    ],
    [
      'an entry that is missing',
      change((p) => {
        delete (p as Partial<typeof PROFILE>).cpus;
      }),
      /lacks "cpus"/,
    ],
    [
      'a mask that is no number',
      change((p) => {
        p.cpus[0]!.xcr0 = 'all';
      }),
      /pattern/,
    ],
  ])('%s is refused', async (_, input, message) => {
    expect((await failure(input)).message).toMatch(message);
  });
  it('says where', async () => {
    const error = await failure(
      change((p) => {
        p.cpus[0]!.leaves = ['x'];
      }),
    );
    expect(error.place).toEqual({ file: 'input', at: '/cpus/0/leaves/0' });
    expect(error.remedy).toMatch(/0x00000007 0x00:/);
  });
  it('takes nothing from a prototype', async () => {
    const text = JSON.stringify(PROFILE).replace('{', '{"__proto__":{"name":"other"},');
    expect((await failure(text)).message).toMatch(/"__proto__" that doesn't belong/);
  });
});

describe('libvirt cpudata', () => {
  it('gives registers, and zero for those left out', async () => {
    const { leaves } = (await read(XML)).cpus[0]!;
    expect(readRegister(leaves, 7, 0, 'ebx')).toEqual({ value: 0x20, known: 0xffffffff });
    expect(readRegister(leaves, 7, 0, 'ecx')).toEqual({ value: 0, known: 0xffffffff });
  });
  it('is written as it is read', async () => {
    const written = libvirtCpudata.write?.(await read(XML)).content as string;
    expect((await read(written)).cpus).toEqual((await read(XML)).cpus);
  });
  it.each([
    ['a DOCTYPE', '<!DOCTYPE a [<!ENTITY b "c">]><cpudata/>', /DOCTYPE/],
    ['another architecture', "<cpudata arch='ppc64'></cpudata>", /architecture/],
    [
      'a number that is none',
      "<cpudata arch='x86'><cpuid eax_in='0x7' ebx='many'/></cpudata>",
      /ebx is not a 32-bit number/,
    ],
    [
      'a number too large',
      "<cpudata arch='x86'><cpuid eax_in='0x7' ebx='4294967296'/></cpudata>",
      /ebx is not a 32-bit number/,
    ],
    ['no leaf at all', "<cpudata arch='x86'></cpudata>", /no <cpuid>/],
    ['a leaf without a number', "<cpudata arch='x86'><cpuid eax='0x1'/></cpudata>", /lacks eax_in/],
    [
      'two answers for one leaf',
      "<cpudata arch='x86'><cpuid eax_in='0x7' ebx='0x1'/><cpuid eax_in='0x7' ebx='0x2'/></cpudata>",
      /twice/,
    ],
    ['an end too soon', "<cpudata arch='x86'><cpuid eax_in='0x7'/>", /not well-formed|ends before/],
    ['HTML', '<html><body></body></html>', /root "html"/],
  ])('%s is refused', async (_, input, message) => {
    expect((await failure(input)).message).toMatch(message);
  });
});

function presences(host: Host, names: readonly FeatureName[]) {
  const seen = describeHost(host);
  return names.map((name) => seen.hardware(name));
}

describe('QEMU model expansion', () => {
  it('tells what it lists and nothing else', async () => {
    expect(
      presences(await read(JSON.stringify(QEMU)), ['avx2', 'sse4_1', 'avx512_vnni', 'fma']),
    ).toEqual([PRESENT, PRESENT, ABSENT, UNKNOWN]);
  });
  it('reads the last of several answers in one file', async () => {
    const first = JSON.stringify(
      { return: { model: { name: 'base', props: { avx2: false } } } },
      null,
      1,
    );
    expect(
      presences(await read(`${first}\n\n${JSON.stringify(QEMU, null, 1)}\n`), ['avx2']),
    ).toEqual([PRESENT]);
  });
  it.each([
    [
      'no feature',
      JSON.stringify({ model: { name: 'x', props: { 'kvm-asyncpf': true } } }),
      /names no CPU feature/,
    ],
    ['props that are a list', JSON.stringify({ model: { name: 'x', props: [true] } }), /object/],
  ])('%s is refused', async (_, input, message) => {
    expect((await failure(input)).message).toMatch(message);
  });
});

describe('Firecracker fingerprint', () => {
  it('knows every bit but those marked x', async () => {
    const host = await read(JSON.stringify(FIRECRACKER));
    expect(readRegister(host.cpus[0]!.leaves, 7, 0, 'ebx')).toEqual({
      value: 0x20,
      known: 0xfffffeff,
    });
    expect(host.system?.kernel).toBe('6.1.0');
  });
  it.each([
    [
      'a template',
      JSON.stringify({
        cpuid_modifiers: FIRECRACKER.guest_cpu_config.cpuid_modifiers,
        msr_modifiers: [],
      }),
      /template, not a host/,
    ],
    ['a bit that is none', JSON.stringify(FIRECRACKER).replace('0b0', '0b2'), /pattern/],
    ['33 bits', JSON.stringify(FIRECRACKER).replace('0b0', '0b00'), /1 to 32 bits/],
    [
      'one leaf twice',
      JSON.stringify({
        guest_cpu_config: {
          cpuid_modifiers: [
            ...FIRECRACKER.guest_cpu_config.cpuid_modifiers,
            FIRECRACKER.guest_cpu_config.cpuid_modifiers[1],
          ],
        },
      }),
      /leaf 0x7\.0 is there twice/,
    ],
  ])('%s is refused', async (_, input, message) => {
    expect((await failure(input)).message).toMatch(message);
  });
});

describe('vzcpuidctl record', () => {
  it('takes the CPU at its word before the words', async () => {
    const { leaves } = (await read(JSON.stringify(VZ))).cpus[0]!;
    expect(readRegister(leaves, 7, 0, 'ebx').value).toBe(0x28);
    expect(readRegister(leaves, 1, 0, 'ecx').value).toBe(2 ** 28);
    expect(readRegister(leaves, 7, 1, 'eax')).toEqual({ value: 0, known: 0xffffffff });
  });
  it("knows sizes and no place that the tool didn't set", async () => {
    const { leaves } = (await read(JSON.stringify(VZ))).cpus[0]!;
    expect(readRegister(leaves, 0xd, 2, 'ebx')).toEqual({ value: 576, known: 0xffffffff });
    expect(readRegister(leaves, 0xd, 9, 'eax')).toEqual({ value: 8, known: 0xffffffff });
    expect(readRegister(leaves, 0xd, 9, 'ebx').known).toBe(0);
  });
  it.each([
    [
      '18 words',
      JSON.stringify(VZ).replace('"x86_capability":[0,', '"x86_capability":['),
      /fewer than 19/,
    ],
    [
      'calls without answers',
      JSON.stringify({
        ...VZ,
        cpu: { ...VZ.cpu, cpuid_call_trace: { in: [[0, 0, 0, 0]], out: [] } },
      }),
      /as many answers/,
    ],
    [
      'a negative word',
      JSON.stringify(VZ).replace('"x86_capability":[0,', '"x86_capability":[-1,'),
      />= 0/,
    ],
  ])('%s is refused', async (_, input, message) => {
    expect((await failure(input)).message).toMatch(message);
  });
});

describe('what is no format', () => {
  it.each([
    ['nothing', '', /is empty/],
    ['blanks', '   \n\n', /no format/],
    ['prose', 'To be or not to be', /no format/],
    ['broken JSON', '{"a":', /not valid JSON/],
    ['a JSON list', '[]', /no format/],
    ['another JSON', '{"a":1}', /no format/],
  ])('%s is refused', async (_, input, message) => {
    const error = await failure(input);
    expect(error.message).toMatch(message);
  });
  it('is told what was looked for', async () => {
    const { remedy } = await failure('prose');
    for (const title of [
      "cpugate's own profile",
      'InstLatX64',
      'cpuid -r',
      'cpuinfo.img',
      'cpudata',
      'Firecracker',
      'vzcpuidctl',
      'libcpuid',
      '/proc/cpuinfo',
      'lscpu',
      'ld.so --list-diagnostics',
      'CRaC',
    ])
      expect(remedy).toContain(title);
  });
  it('JSON in other bytes than UTF-8 is refused', async () => {
    const text = bytes(JSON.stringify(PROFILE));
    const place = text.indexOf('w'.charCodeAt(0));
    text[place] = 0xff;
    expect((await failure(text)).message).toMatch(/UTF-8|valid JSON/);
  });
  it('deep JSON is refused without a crash', async () => {
    const deep = `{"kind":"cpugate-host-profile","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(isInputError(await failure(deep))).toBe(true);
  });
  it('30 MB of junk is refused quickly', async () => {
    const spent = cpuTimer();
    await failure('{'.padEnd(30_000_000, 'x'));
    await failure('<'.padEnd(30_000_000, 'x'));
    await failure('junk\n'.repeat(6_000_000));
    expect(spent()).toBeLessThan(TOO_LONG);
  });
});

describe('a host made by hand', () => {
  it('survives the profile format', () => {
    const host = hostOf(HASWELL);
    const written = profile.write?.(host).content as string;
    expect(profile.read(openInput('x', bytes(written)))).toEqual(host);
  });
});

const shared = process.env.CPUGATE_SHARED ?? new URL('../../../shared', import.meta.url).pathname;
const oracles = (() => {
  try {
    return readdirSync(`${shared}/oracles/libvirt`).filter((name) =>
      /^x86_64-cpuid-[^b].*(?<!-host)\.xml$/.test(name),
    );
  } catch {
    return [];
  }
})();

describe.skipIf(oracles.length === 0)("libvirt's recorded hosts", () => {
  it.each(oracles)('%s is read whole', async (name) => {
    const host = await readHost(name, readFileSync(`${shared}/oracles/libvirt/${name}`));
    expect(describeHost(host).vendor).toMatch(/Intel|AMD/);
  });
});
