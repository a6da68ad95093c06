import { describe, expect, it } from 'vitest';
import { type FeatureName, featureRow, ROWS } from '../../src/catalogue/index.js';
import { cpuidRaw } from '../../src/formats/cpuid-raw.js';
import { openInput } from '../../src/formats/format.js';
import { procCpuinfo } from '../../src/formats/proc-cpuinfo.js';
import { hasFlag, KNOWN_FLAGS } from '../../src/formats/proc-cpuinfo-flags.js';
import { describeHost, effectiveFeatures, x86Level } from '../../src/model/capabilities.js';
import { isInputError } from '../../src/model/errors.js';
import type { Host } from '../../src/model/host.js';
import { readRegister } from '../../src/model/leaves.js';
import { isUserVisible } from '../../src/model/prerequisites.js';
import { ABSENT, PRESENT, presenceInMask, UNKNOWN } from '../../src/model/xsave.js';
import { HASWELL, hostOf, V2, V4 } from '../hosts.js';
import { dumpText, failureOf, onlyCpu, readWith, recognises } from './dump-text.js';

const read = (text: string) => readWith(procCpuinfo, text);
const seen = (text: string) => describeHost(read(text));

const guests = ['haswell', 'nehalem', 'skylake-server', 'epyc-milan'] as const;
const HASWELL_TEXT = dumpText('haswell-guest.cpuinfo');

/** A processor with these flags and the usual lines. */
function cpuinfo(flags: string, number = 0): string {
  return `processor\t: ${number}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 63\nmodel name\t: A CPU\nstepping\t: 2\nmicrocode\t: 0x49\ncpuid level\t: 15\nflags\t\t: ${flags}\nclflush size\t: 64\naddress sizes\t: 46 bits physical, 48 bits virtual\npower management:\n\n`;
}

const BASE = 'fpu tsc cx8 cmov clflush mmx fxsr sse sse2 syscall lm cpuid pni';

describe('reading recorded guests', () => {
  it.each(guests)('%s: says nothing that the CPUID of the same boot denies', (name) => {
    const cpuid = describeHost(readWith(cpuidRaw, dumpText(`${name}-guest.cpuid-1-r`)));
    const host = read(dumpText(`${name}-guest.cpuinfo`));
    const flags = describeHost(host);
    expect(host.remarks).toEqual([]);
    for (const { name: feature } of ROWS) {
      // Linux sets it on every 64-bit AMD CPU, where PREFETCHW works with and without the bit.
      if (feature === '3dnowprefetch') continue;
      const told = flags.effective(feature);
      if (told !== UNKNOWN) expect([feature, told]).toEqual([feature, cpuid.effective(feature)]);
    }
    expect(flags.vendor).toBe(cpuid.vendor);
    expect(flags.signature).toEqual(cpuid.signature);
    expect(flags.brand).toBe(cpuid.brand);
    expect(flags.cacheLineBytes).toBe(cpuid.cacheLineBytes);
    expect(flags.linearAddressBits).toBe(cpuid.linearAddressBits);
    expect(flags.physicalAddressBits).toBe(cpuid.physicalAddressBits);
    expect(x86Level(flags)).toEqual(x86Level(cpuid));
    const { value, known } = flags.xsave.enabled;
    expect(value).toBe(cpuid.xsave.enabled.value & known);
  });
  it.each(guests)(
    '%s: tells every feature of the CPU that tasks can use and that has a flag',
    (name) => {
      const cpuid = describeHost(readWith(cpuidRaw, dumpText(`${name}-guest.cpuid-1-r`)));
      const flags = seen(dumpText(`${name}-guest.cpuinfo`));
      for (const { name: feature } of ROWS)
        if (isUserVisible(feature) && hasFlag(feature) && cpuid.effective(feature) === PRESENT)
          // Whether the kernel lets tasks use FSGSBASE only AT_HWCAP2 tells.
          expect([feature, flags.effective(feature)]).toEqual([
            feature,
            feature === 'fsgsbase' ? UNKNOWN : PRESENT,
          ]);
    },
  );
  it('joins the processors of a host', () => {
    const text = dumpText('haswell-guest-2-cpus.cpuinfo');
    const host = read(text);
    expect(host).toMatchObject({ name: 'dump.txt', format: 'proc-cpuinfo', kind: 'system' });
    expect(onlyCpu(host).logical).toEqual([0, 1]);
    expect(host.system?.microcode).toBe('0x1');
    expect(host.system?.cpuinfoFlags).toEqual(/^flags\s*: (.*)$/m.exec(text)?.[1]?.split(' '));
  });
});

describe('flags', () => {
  it('give the features and what the OS enabled', () => {
    const host = seen(cpuinfo(`${BASE} xsave avx avx2 avx512f pku ospke`));
    expect(host.effective('avx2')).toBe(PRESENT);
    expect(host.effective('osxsave')).toBe(PRESENT);
    // x87, SSE, YMM, the three of AVX-512, PKRU.
    expect(host.xsave.enabled.value).toBe(0x2e7n);
    expect(host.xsave.basis).toBe('read');
  });
  it('without xsave: the OS enabled none of its state', () => {
    const host = seen(cpuinfo(BASE));
    expect(host.effective('osxsave')).toBe(ABSENT);
    expect(host.effective('avx')).toBe(ABSENT);
    expect(host.xsave.enabled).toEqual({ value: 0n, known: 0xffffffffffffffffn });
    expect(host.xsave.areaBytes).toBe(0);
  });
  // Words 0, 4, 1, 6, 9 of arch/x86/include/asm/cpufeatures.h in Linux 4.1.
  it.each([
    ['cx16', ABSENT],
    ['sse4_2', ABSENT],
    ['popcnt', ABSENT],
    ['rdtscp', ABSENT],
    ['lahf_lm', ABSENT],
    ['abm', ABSENT],
    ['sse4a', ABSENT],
    ['bmi1', ABSENT],
    ['avx2', ABSENT],
    ['mpx', ABSENT],
    ['avx512f', ABSENT],
    // The same words, from 4.4 to 4.10.
    ['sha_ni', ABSENT],
    ['avx512bw', ABSENT],
    ['mwaitx', ABSENT],
    // Other words, up to 4.9: "cpuid", of 4.11, is printed.
    ['pku', ABSENT],
    ['clzero', ABSENT],
    ['xsaveopt', ABSENT],
    ['xsavec', ABSENT],
    ['nonstop_tsc', ABSENT],
    // Later kernels, one by one.
    ['gfni', UNKNOWN],
    ['vaes', UNKNOWN],
    ['rdpid', UNKNOWN],
    ['fsrm', UNKNOWN],
    ['rdpru', UNKNOWN],
    ['amx_tile', UNKNOWN],
    ['sgx', UNKNOWN],
    // Never printed.
    ['zero_fcs_fds', UNKNOWN],
    ['shstk', UNKNOWN],
    ['sha512', UNKNOWN],
    // The kernel's own, which it turns off as it likes.
    ['pcid', UNKNOWN],
    ['nx', UNKNOWN],
    // Nothing turns it off.
    ['hypervisor', ABSENT],
  ] as const)('%s, not among them: %i', (name, presence) => {
    expect(seen(cpuinfo(`${BASE} xsave`)).hardware(name)).toBe(presence);
  });
  it.each(['sha_ni', 'avx512dq', 'avx512bw', 'avx512vl', 'avx512ifma', 'mwaitx'] as const)(
    '%s came with kernels that print "cpuid": not told by older ones',
    (name) => {
      const old = BASE.replace(' cpuid', '');
      expect(seen(cpuinfo(`${old} xsave avx avx512f`)).hardware(name)).toBe(UNKNOWN);
      expect(seen(cpuinfo(`${old} ${name}`)).hardware(name)).toBe(PRESENT);
    },
  );
  it.each(['pku', 'clzero', 'xsavec', 'nonstop_tsc'] as const)(
    '%s: the absence is not known of a text without "cpuid"',
    (name) => {
      const old = BASE.replace(' cpuid', '');
      expect(seen(cpuinfo(`${old} xsave`)).hardware(name)).toBe(UNKNOWN);
    },
  );
  // Linux c128dbfa0f87 brought six at once; RHEL 8's 4.18 has flags of 5.12 without rdpru of 5.5.
  it.each([
    ['avx512_vnni', 'gfni', ABSENT],
    ['vaes', 'avx512_bitalg', ABSENT],
    ['amx_tile', 'amx_bf16', ABSENT],
    ['avx_vnni', 'rdpru', UNKNOWN],
    ['avx512_fp16', 'waitpkg', UNKNOWN],
    ['serialize', 'rdpid', UNKNOWN],
    ['user_shstk', 'rdpru', UNKNOWN],
  ] as const)('%s printed, %s not: %i', (printed, other, presence) => {
    expect(seen(cpuinfo(`${BASE} xsave ${printed}`)).hardware(other)).toBe(presence);
  });
  it('user_shstk is printed where the CPU has shadow stacks', () => {
    const host = seen(cpuinfo(`${BASE} xsave xsaves user_shstk`));
    expect(host.hardware('shstk')).toBe(PRESENT);
  });
  it.each([
    ['arat', 'set on AMD CPUs without the bit'],
    ['vnmi', 'of VMX in older kernels'],
    ['intel_ppin', 'found by an MSR'],
  ] as const)('%s tells no bit: %s', (flag, _) => {
    expect(seen(cpuinfo(`${BASE} ${flag}`)).hardware(flag)).toBe(UNKNOWN);
  });
  it('of state whose absence is not told leave XCR0 unknown there', () => {
    const { value, known } = seen(cpuinfo(`${BASE} xsave avx`)).xsave.enabled;
    expect(value).toBe(7n);
    // PKRU (9): kernels before 4.15 enabled it without the flag. APX (19): has no flag.
    expect(~known & 0xffffffffffffffffn).toBe((1n << 9n) | (1n << 19n));
  });
  it('above the highest leaf are absent', () => {
    const text = cpuinfo(BASE).replace('cpuid level\t: 15', 'cpuid level\t: 6');
    expect(seen(text).hardware('gfni')).toBe(ABSENT);
    expect(seen(text).hardware('rdpru')).toBe(UNKNOWN);
  });
  it('that nobody knows are kept, shown and decide nothing', () => {
    const host = read(cpuinfo(`${BASE} constant_tsc foo_ng __proto__`));
    expect(host.system?.cpuinfoFlags).toContain('foo_ng');
    expect(host.remarks).toEqual([
      'Flags that cpugate does not know are ignored: foo_ng __proto__.',
    ]);
  });
  it('of one processor may differ from the others', () => {
    const host = read(cpuinfo(`${BASE} cx16`) + cpuinfo(BASE, 1) + cpuinfo(`${BASE} cx16`, 2));
    expect(host.cpus.map((cpu) => cpu.logical)).toEqual([[0, 2], [1]]);
    expect(describeHost(host).differences).toEqual([{ what: 'cx16', having: [0, 2], others: [1] }]);
    expect(host.remarks).toEqual(['The CPUs differ: 0,2 / 1.']);
  });
});

describe('with the release of its kernel', () => {
  const under = (kernel: string, flags: string) =>
    describeHost(
      procCpuinfo.read(openInput('dump.txt', Buffer.from(cpuinfo(flags), 'latin1'), kernel)),
    );
  // cpufeatures.h of Linux 4.9, 4.15, 5.10.13 and 6.6.
  it.each([
    ['4.14.0-115.el7a', 'rdpid', UNKNOWN],
    ['4.15', 'rdpid', ABSENT],
    ['4.18.0-553.el8_10.x86_64', 'gfni', ABSENT],
    ['4.18.0-553.el8_10.x86_64', 'rdpru', UNKNOWN],
    ['5.4.0-200-generic', 'waitpkg', UNKNOWN],
    ['5.10.0-30-amd64', 'waitpkg', ABSENT],
    ['5.10.0-30-amd64', 'rdpru', ABSENT],
    ['5.10.0-30-amd64', 'avx_vnni', UNKNOWN],
    ['5.15', 'avx_vnni', ABSENT],
    ['5.15', 'amx_tile', UNKNOWN],
    ['6.1.0', 'amx_tile', ABSENT],
    // Without a flag in any of them.
    ['6.12', 'sha512', UNKNOWN],
    ['6.12', 'apx', UNKNOWN],
    // Lower than the text itself says.
    ['3.10.0-1160.el7', 'xsavec', ABSENT],
  ] as const)('%s: %s absent is %i', (kernel, name, presence) => {
    expect(under(kernel, `${BASE} xsave`).hardware(name)).toBe(presence);
  });
  it('a printed flag stays', () => {
    expect(under('6.1', `${BASE} xsave rdpid`).hardware('rdpid')).toBe(PRESENT);
  });
  // Linux ccb18db2ab9d (4.15): no component without its feature.
  it.each([
    ['4.14', UNKNOWN],
    ['4.15', ABSENT],
  ] as const)('%s: whether PKRU state is on without pku: %i', (kernel, presence) => {
    const { enabled } = under(kernel, `${BASE} xsave avx`).xsave;
    expect(presenceInMask(enabled, 9)).toBe(presence);
  });
  // Linux 5.9 sets CR4.FSGSBASE; distributions carried it back.
  it.each([
    ['5.8', 'fsgsbase', UNKNOWN],
    ['5.9', 'fsgsbase', PRESENT],
    ['6.1', '', ABSENT],
  ] as const)('%s: FSGSBASE for tasks, with the flag "%s": %i', (kernel, flag, presence) => {
    expect(under(kernel, `${BASE} xsave ${flag}`).effective('fsgsbase')).toBe(presence);
  });
  it('is what the host says of its kernel', () => {
    expect(under('5.15.0-1-x', BASE).system.kernel).toBe('5.15.0-1-x');
    expect(seen(cpuinfo(BASE)).system.kernel).toBeUndefined();
  });
});

describe('the other lines', () => {
  const host = () => read(cpuinfo(BASE));
  it('fill their fields, and no bit beside them', () => {
    const { leaves } = onlyCpu(host());
    // Family 6, model 0x3f, stepping 2: Intel SDM vol. 2A, CPUID leaf 1.
    expect(readRegister(leaves, 1, 0, 'eax')).toEqual({ value: 0x306f2, known: 0xffffffff });
    expect(readRegister(leaves, 1, 0, 'ebx')).toEqual({ value: 0x800, known: 0xff00 });
    expect(readRegister(leaves, 0, 0, 'eax')).toEqual({ value: 15, known: 0xffffffff });
    expect(readRegister(leaves, 0x80000008, 0, 'eax')).toEqual({ value: 0x302e, known: 0xffff });
    expect(readRegister(leaves, 0xd, 0, 'ebx').known).toBe(0);
  });
  it.each([
    ['vendor_id', (text: string) => seen(text).vendor],
    ['cpu family', (text: string) => seen(text).signature],
    ['model\t', (text: string) => seen(text).signature],
    ['stepping', (text: string) => seen(text).signature],
    ['model name', (text: string) => seen(text).brand],
    ['microcode', (text: string) => read(text).system?.microcode],
    ['clflush size', (text: string) => seen(text).cacheLineBytes],
    ['address sizes', (text: string) => seen(text).linearAddressBits],
  ])('%s: not told where the line is missing', (key, of) => {
    const text = cpuinfo(BASE);
    expect(of(text)).toBeDefined();
    const without = text
      .split('\n')
      .filter((line) => !line.startsWith(key))
      .join('\n');
    expect(without).not.toBe(text);
    expect(of(without)).toBeUndefined();
  });
  it.each([
    [
      'the family of extended encodings',
      'cpu family\t: 6',
      'cpu family\t: 25',
      { family: 25, model: 63, stepping: 2 },
    ],
  ])('%s', (_, line, instead, signature) => {
    expect(seen(cpuinfo(BASE).replace(line, instead)).signature).toEqual(signature);
  });
  it('keeps the blanks of a vendor', () => {
    const text = cpuinfo(BASE).replace('GenuineIntel', '  Shanghai  ');
    expect(readRegister(onlyCpu(read(text)).leaves, 0, 0, 'ebx').value).toBe(0x68532020);
    expect(seen(text).vendor).toBe('Shanghai');
  });
  it.each([
    ['vendor_id\t: GenuineIntel', 'vendor_id\t: unknown'],
    ['model name\t: A CPU', 'model name\t: unknown'],
    ['stepping\t: 2', 'stepping\t: unknown'],
    ['cpuid level\t: 15', 'cpuid level\t: -1'],
  ])('%s may be "%s"', (line, instead) => {
    expect(cpuinfo(BASE)).toContain(line);
    expect(seen(cpuinfo(BASE).replace(line, instead)).effective('sse2')).toBe(PRESENT);
  });
  it.each([
    ['the line breaks of Windows', cpuinfo(BASE).replaceAll('\n', '\r\n')],
    ['an indent', cpuinfo(BASE).replace(/^/gm, '  ')],
    ['blanks for the tabs', cpuinfo(BASE).replace(/\t+/g, ' ')],
    ['nothing but the flags', `flags : ${BASE}\n`],
    ['the flags of two processors, filtered', `flags : ${BASE}\nflags : ${BASE}\n`],
  ])('are read with %s', (_, text) => {
    expect(seen(text).effective('sse2')).toBe(PRESENT);
    expect(read(text).system?.cpuinfoFlags).toEqual(BASE.split(' '));
  });
});

describe('refusing', () => {
  const two = cpuinfo(BASE) + cpuinfo(BASE, 1);
  it.each([
    ['nothing', '', 'malformed', {}],
    ['no processor', 'hello: world\n', 'malformed', {}],
    ['no flags', 'processor\t: 0\nvendor_id\t: GenuineIntel\n', 'malformed', { at: 'processor 0' }],
    [
      'a second processor that is cut off',
      two.slice(0, two.lastIndexOf('flags')),
      'malformed',
      { at: 'processor 1' },
    ],
    [
      'a text that ends among the flags',
      two.slice(0, two.lastIndexOf(' pni')),
      'malformed',
      { line: 22, at: 'flags' },
    ],
    [
      'a flag that is cut off',
      two.slice(0, two.lastIndexOf('ni\nclflush')),
      'malformed',
      { line: 22, at: 'flags' },
    ],
    ['no flag at all', cpuinfo(''), 'malformed', { line: 9, at: 'flags' }],
    [
      'odd letters among the flags',
      cpuinfo(`${BASE} \x1b[31m`),
      'malformed',
      { line: 9, at: 'flags' },
    ],
    [
      'two lists for one processor',
      cpuinfo(BASE).replace('clflush size', 'flags\t: sse\nclflush size'),
      'malformed',
      { line: 10 },
    ],
    ['a processor twice', cpuinfo(BASE) + cpuinfo(BASE), 'malformed', { line: 14 }],
    [
      'a processor number beyond any',
      cpuinfo(BASE, 8192),
      'malformed',
      { line: 1, at: 'processor' },
    ],
    ['a processor number below 0', cpuinfo(BASE, -1), 'malformed', { line: 1, at: 'processor' }],
    [
      'a family beyond any',
      cpuinfo(BASE).replace('family\t: 6', 'family\t: 271'),
      'malformed',
      { line: 3, at: 'cpu family' },
    ],
    [
      'a model beyond any',
      cpuinfo(BASE).replace(': 63', ': 256'),
      'malformed',
      { line: 4, at: 'model' },
    ],
    [
      'a stepping beyond any',
      cpuinfo(BASE).replace('stepping\t: 2', 'stepping\t: 16'),
      'malformed',
      { line: 6, at: 'stepping' },
    ],
    [
      'a level that is no number',
      cpuinfo(BASE).replace(': 15', ': 0xf'),
      'malformed',
      { line: 8, at: 'cpuid level' },
    ],
    [
      'a vendor of 13 letters',
      cpuinfo(BASE).replace('GenuineIntel', 'GenuineIntels'),
      'malformed',
      { line: 2, at: 'vendor_id' },
    ],
    [
      'widths that are cut off',
      cpuinfo(BASE).replace(' bits virtual', ''),
      'malformed',
      { line: 11, at: 'address sizes' },
    ],
    [
      'a width beyond any',
      cpuinfo(BASE).replace('48 bits', '256 bits'),
      'malformed',
      { line: 11, at: 'address sizes' },
    ],
    ['8193 processors', `${'processor : 0\n'.repeat(8193)}`, 'too-large', { line: 8193 }],
    [
      'more flags than any kernel has',
      cpuinfo(Array.from({ length: 2049 }, (_, n) => `f${n}`).join(' ')),
      'malformed',
      { line: 9, at: 'flags' },
    ],
  ] as const)('%s', (_, text, code, place) => {
    const error = failureOf(procCpuinfo, text);
    expect(error.code).toBe(code);
    expect(error.place).toEqual({ file: 'dump.txt', ...place });
    expect(error.remedy).toMatch(/[\w"]\.$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may reach a terminal.
    expect(error.message).not.toMatch(/[\x00-\x1f\x7f]/);
  });
  it.each([
    [
      'arm64',
      'processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd evtstrm aes\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n',
    ],
    ['RISC-V', 'processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\n'],
    ['PowerPC', 'processor\t: 0\ncpu\t\t: POWER9 (raw), altivec supported\nclock\t\t: 2166MHz\n'],
    [
      's390',
      'vendor_id       : IBM/S390\nfeatures\t: esan3 zarch stfle\nprocessor 0: version = FF\n',
    ],
    ['LoongArch', 'processor\t\t: 0\nCPU Family\t\t: Loongson-64bit\nFeatures\t\t: cpucfg lam\n'],
  ])('another architecture: %s', (_, text) => {
    expect(failureOf(procCpuinfo, text)).toMatchObject({
      code: 'not-x86',
      place: { file: 'dump.txt' },
    });
  });
  it('has room for 8192 processors', () => {
    const text = Array.from({ length: 8192 }, (_, n) => cpuinfo(BASE, n)).join('');
    expect(onlyCpu(read(text)).logical).toHaveLength(8192);
  });
});

describe('recognising', () => {
  it.each([
    ['its own', HASWELL_TEXT, true],
    ['the flags alone', `flags\t\t: ${BASE}\n`, true],
    ["arm64's, to say so", 'processor\t: 0\nFeatures\t: fp asimd\n', true],
    ['lscpu', 'Architecture:  x86_64\nVendor ID:  GenuineIntel\nFlags:  fpu vme\n', false],
    ['cpuid -r', dumpText('haswell-guest.cpuid-1-r'), false],
    ['JSON', '{"flags": "fpu"}', false],
    ['nothing', '', false],
  ])('%s', (_, text, expected) => {
    expect(recognises(procCpuinfo, text)).toBe(expected);
  });
});

describe('writing', () => {
  const write = (host: Host) => {
    const written = procCpuinfo.write?.(host);
    return { content: String(written?.content), lost: written?.lost ?? [] };
  };
  const lineOf = (content: string, key: string) =>
    content.split('\n').filter((line) => line.startsWith(key));
  it.each(guests)('%s: what is read back tells the same features', (name) => {
    const host = read(dumpText(`${name}-guest.cpuinfo`));
    const again = read(write(host).content);
    expect(new Set(again.system?.cpuinfoFlags)).toEqual(new Set(host.system?.cpuinfoFlags));
    expect(again.cpus).toEqual(host.cpus);
    expect(again.system?.microcode).toBe(host.system?.microcode);
  });
  it.each(guests)('%s: the CPUID dump becomes the lines that its kernel printed', (name) => {
    const { content } = write(readWith(cpuidRaw, dumpText(`${name}-guest.cpuid-1-r`)));
    const printed = dumpText(`${name}-guest.cpuinfo`);
    for (const key of [
      'processor',
      'vendor_id',
      'cpu family',
      'model\t',
      'model name',
      'stepping',
      'cpuid level',
      'clflush size',
      'address sizes',
    ])
      expect(lineOf(content, key)).toEqual(lineOf(printed, key));
    const flagsOf = (text: string) =>
      lineOf(text, 'flags')[0]?.replace(/^.*: /, '').split(' ') ?? [];
    // What the kernel adds of its own isn't in a dump.
    const isFeature = (flag: string) =>
      ROWS.some((row) => row.name === flag) && flag !== '3dnowprefetch' && flag !== 'arat';
    expect(flagsOf(content).filter(isFeature).sort()).toEqual(
      flagsOf(printed).filter(isFeature).sort(),
    );
  });
  it('writes what takes effect, one block a processor', () => {
    const plan = {
      ...HASWELL,
      mask: 0x3n,
      features: [...HASWELL.features, 'fzrm' as FeatureName],
    };
    const host = hostOf(plan, [HASWELL]);
    const { content, lost } = write(host);
    expect(lineOf(content, 'processor')).toEqual(['processor\t: 0', 'processor\t: 1']);
    const [without, withAvx] = lineOf(content, 'flags');
    expect(withAvx).toMatch(/ avx .* avx2 /);
    expect(without).not.toMatch(/ avx2?\b| fzrm\b| osxsave\b/);
    expect(lost.join('\n')).toMatch(/^Not enabled by the OS, though the CPU has it: .*\bavx2\b/m);
    expect(lost.join('\n')).toMatch(/^Linux has no flag for: .*\bfzrm\b/m);
    expect(lost.join('\n')).toMatch(/^Sizes and offsets/m);
  });
  it.each([
    ['a level 2 CPU', V2],
    ['a level 4 CPU', V4],
  ])('%s keeps every feature that has a flag', (_, features) => {
    const host = hostOf({ ...HASWELL, features, mask: 0xe7n });
    const again = describeHost(read(write(host).content));
    const before = describeHost(host);
    for (const { name } of ROWS)
      if (hasFlag(name) && featureRow(name).class !== 'kernel') {
        if (before.effective(name) === PRESENT)
          expect([name, again.effective(name)]).toEqual([name, PRESENT]);
        else expect([name, again.effective(name)]).not.toEqual([name, PRESENT]);
      }
  });
  it('refuses where a feature is not told that a list of flags would deny', () => {
    try {
      write(
        hostOf({
          ...HASWELL,
          untold: ['bmi2'],
          features: HASWELL.features.filter((name) => name !== 'bmi2'),
        }),
      );
    } catch (error) {
      if (!isInputError(error)) throw error;
      expect(error.code).toBe('not-enough-data');
      expect(error.message).toContain('bmi2');
      return;
    }
    throw new Error('was written');
  });
});

/** As Linux 6.1 prints them for a desktop CPU of 2015. */
const DESKTOP =
  'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush dts acpi mmx fxsr ' +
  'sse sse2 ss ht tm pbe syscall nx pdpe1gb rdtscp lm constant_tsc art arch_perfmon pebs bts rep_good ' +
  'nopl xtopology nonstop_tsc cpuid aperfmperf pni pclmulqdq dtes64 monitor ds_cpl vmx est tm2 ssse3 ' +
  'sdbg fma cx16 xtpr pdcm pcid sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave avx f16c ' +
  'rdrand lahf_lm abm 3dnowprefetch cpuid_fault pti ssbd ibrs ibpb stibp tpr_shadow ' +
  'flexpriority ept vpid ept_ad fsgsbase tsc_adjust bmi1 avx2 smep bmi2 erms invpcid rdseed adx smap ' +
  'clflushopt intel_pt xsaveopt xsavec xgetbv1 xsaves dtherm ida arat pln pts hwp md_clear flush_l1d';

function desktop(flags: string): string {
  return [
    'processor\t: 0',
    'vendor_id\t: GenuineIntel',
    'cpu family\t: 6',
    'model\t\t: 94',
    'stepping\t: 3',
    'cpuid level\t: 22',
    `flags\t\t: ${flags}`,
    'bugs\t\t: spectre_v1 spectre_v2',
    'clflush size\t: 64',
    '',
  ].join('\n');
}

const effectiveOf = (text: string) => effectiveFeatures(describeHost(readWith(procCpuinfo, text)));

/** Between words, at most so many columns a line. */
function fold(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join(`\n${indent}`);
}

/** As a terminal breaks it, trailing blanks kept or lost by the copy. */
function breakAt(text: string, width: number, trim: boolean): string {
  const lines = text.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
  return lines.map((line) => (trim ? line.trimEnd() : line)).join('\n');
}

describe('a line of flags that was wrapped', () => {
  const whole = effectiveOf(desktop(DESKTOP));
  const widths = Array.from({ length: 80 }, (_, n) => n + 40);
  it.each([
    ['between words', (width: number) => fold(DESKTOP, width, '')],
    ['between words, indented', (width: number) => fold(DESKTOP, width, '\t\t  ')],
    ['by a terminal', (width: number) => breakAt(DESKTOP, width, false)],
    [
      'by a terminal, without its trailing blanks',
      (width: number) => breakAt(DESKTOP, width, true),
    ],
  ])('%s: means the same, or is refused with the line; never less', (_, wrap) => {
    let read = 0;
    for (const width of widths) {
      try {
        expect(effectiveOf(desktop(wrap(width))), `width ${width}`).toEqual(whole);
        read++;
      } catch (error) {
        if (!isInputError(error)) throw error;
        expect(error.place.line).toBeGreaterThanOrEqual(7);
      }
    }
    expect(read).toBeGreaterThan(widths.length * 0.9);
  });
  it.each([
    ['a whole line', (lines: string[]) => lines, true],
    [
      'a whole line, its blank lost',
      (lines: string[]) => [...lines, 'sse4_2 x2apic popcnt tsc_deadline_timer'],
      true,
    ],
    ['a short one', (lines: string[]) => [...lines, 'popcnt'], false],
  ])('that ends the text with %s', (_, cut, isRefused) => {
    const lines = fold(DESKTOP, 60, '').split('\n').slice(0, 4);
    const text = `flags : ${cut(lines).join('\n')}\n`;
    if (isRefused) expect(() => effectiveOf(text)).toThrow('may go on');
    else expect(effectiveOf(text)).toContain('popcnt');
    expect(() => effectiveOf(`${text}bugs :\n`)).not.toThrow();
  });
  it('is refused where a seam can be read in two ways', () => {
    // "tm" and "2" are no two flags, "tm2" is one; "foo" and "bar" may be anything.
    expect(() => effectiveOf(desktop('fpu tsc lm lahf_lm fo\no tm\n2 bar'))).toThrow(/line|flag/);
  });
  it('that is given twice has to be the same to its end', () => {
    const twice = (a: string, b: string) =>
      `flags : fpu tsc lm\n${a}\nflags : fpu tsc lm\n${b}\nbugs :\n`;
    expect(effectiveOf(twice(' sse sse2', ' sse sse2'))).toEqual(
      effectiveOf('flags : fpu tsc lm sse sse2\n'),
    );
    for (const [a, b] of [
      [' sse sse2', ' sse sse2 avx'],
      [' sse sse2 avx', ' sse sse2'],
      [' sse sse2 avx', ''],
    ] as const)
      expect(() => effectiveOf(twice(a, b)), `${a} / ${b}`).toThrow('given twice');
  });
  it.each([
    ['quoted', `${DESKTOP.slice(0, 300)}\n> ${DESKTOP.slice(300)}`],
    ['with a remark', `${DESKTOP.slice(0, 304)}\n${DESKTOP.slice(304)} (and so on)`],
    ['endless', `${DESKTOP}\n${'avx2 '.repeat(5000)}`],
  ])('is refused, not shortened, where a line of it is %s', (_, flags) => {
    expect(failureOf(procCpuinfo, desktop(flags))).toMatchObject({
      code: 'malformed',
      place: { line: 8, at: 'flags' },
    });
  });
  it('ends at an empty line and at a prompt', () => {
    for (const end of ['\n', 'root@host ~ #\n'])
      expect(effectiveOf(`${desktop(DESKTOP).replace(/\nbugs[\s\S]*/, '\n')}${end}`)).toEqual(
        whole,
      );
  });
});

describe('a line of flags that was cut', () => {
  const fault = (flags: string) => {
    try {
      readWith(procCpuinfo, desktop(flags));
    } catch (error) {
      if (!isInputError(error)) throw error;
      return error;
    }
    throw new Error('was read');
  };
  it.each([
    ['three dots', `${DESKTOP.slice(0, 500)} ...`],
    ['three dots at the word', `${DESKTOP.slice(0, 500)}...`],
    ['an ellipsis', `${DESKTOP.slice(0, 500)}\u00e2\u0080\u00a6`],
    ['400 characters', DESKTOP.slice(0, 400)],
    ['within a word', DESKTOP.slice(0, DESKTOP.indexOf('clflushopt') + 8)],
    ['a word that stands there before', DESKTOP.slice(0, DESKTOP.indexOf('avx2') + 3)],
    ['on the second line', `${DESKTOP.slice(0, 300)}\n${DESKTOP.slice(300, 500)} ...`],
  ])('%s: is refused, with its line', (_, flags) => {
    const error = fault(flags);
    expect(error.place).toMatchObject({ line: expect.any(Number), at: 'flags' });
    expect(error.message).toMatch(/cut off|goes on a line/);
  });
  it('within any word is refused, or ends in a whole flag of its own', () => {
    for (let end = 200; end < DESKTOP.length; end++) {
      const cut = DESKTOP.slice(0, end);
      if (DESKTOP[end] === ' ' || cut.endsWith(' ')) continue;
      const last = cut.split(' ').at(-1) as string;
      let read = true;
      try {
        readWith(procCpuinfo, desktop(cut));
      } catch {
        read = false;
      }
      if (read) expect(KNOWN_FLAGS.has(last), cut).toBe(true);
    }
  });
});
