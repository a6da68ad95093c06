import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { parseSeenAnswers } from '../../src/enforce/seen-answers.js';
import validate from '../../src/generated/verify-report.js';
import { applyMask } from '../../src/mask/apply.js';
import { compileMask } from '../../src/mask/compile.js';
import { isKept, type SeenAnswers, verifyMask } from '../../src/mask/verify.js';
import { described } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';
import { verifyText } from '../../src/report/text/verify.js';
import { verifyJson } from '../../src/report/verify-json.js';
import { baselineOfPlans, INTEL_512 } from '../baseline/clusters.js';
import { HASWELL, hostOf } from '../hosts.js';

const baseline = baselineOfPlans([HASWELL, INTEL_512]);
const { mask } = compileMask(baseline);
const FACTS = {
  hwcap: 0xbfebfbffn,
  hwcap2: 2n,
  minSigStackBytes: 3632,
  cpuinfoFlags: ['fpu', 'avx2', 'avx512f', 'smep'],
};
const made = hostOf({ ...INTEL_512, system: FACTS });
/** As a live CPU: everything is told, the highest leaves too. */
function told(row: LeafRow): LeafRow {
  const { known: _, ...all } = row;
  return row.leaf === 0 ? { ...all, eax: 0x24 } : all;
}

const here: Host = {
  ...made,
  cpus: made.cpus.map((cpu) => ({
    ...cpu,
    leaves: leafTable([
      ...cpu.leaves.rows.map(told),
      { leaf: 0x80000000, subleaf: 0, eax: 0x80000021, ebx: 0, ecx: 0, edx: 0 },
    ]),
  })),
};
const shown = applyMask(mask, here.cpus[0]!.leaves).rows;
const good: SeenAnswers = {
  rows: shown,
  xcr0: 0x2e7n,
  hwcap: FACTS.hwcap & mask.hwcap.keep,
  hwcap2: 0n,
  minSigStackBytes: Math.max(3632, mask.minSigStackBytes),
};
const NO_ROADS = { cpuidDevice: false, kvm: false, patched: false };
const verify = (seen: SeenAnswers, host = here, roads = NO_ROADS) =>
  verifyMask(mask, baseline.features, described(host), seen, roads);

function changed(leaf: number, change: Partial<LeafRow>): SeenAnswers {
  return {
    ...good,
    rows: shown.map((row) =>
      row.leaf === leaf && row.subleaf === 0 ? { ...row, ...change } : row,
    ),
  };
}

describe('what a program saw', () => {
  it('is right where it is what the mask gives', () => {
    const result = verify(good);
    expect(result.wrong).toEqual([]);
    expect(result.missing).toEqual([]);
    expect(result.shown).toEqual([]);
    expect(isKept(result)).toBe(true);
  });

  it('is wrong where a hidden feature shows', () => {
    const leaf7 = shown.find(({ leaf }) => leaf === 7)!;
    const result = verify(changed(7, { ebx: (leaf7.ebx | (1 << 16)) >>> 0 }));
    expect(result.wrong).toEqual([
      {
        leaf: 7,
        subleaf: 0,
        register: 'ebx',
        seen: (leaf7.ebx | (1 << 16)) >>> 0,
        expected: leaf7.ebx,
      },
    ]);
    expect(isKept(result)).toBe(false);
  });

  it('is wrong where a size is too small', () => {
    const result = verify({
      ...good,
      rows: shown.map((row) =>
        row.leaf === 0xd && row.subleaf === 0 ? { ...row, ebx: 832 } : row,
      ),
    });
    expect(result.wrong.map(({ register, expected }) => [register, expected])).toEqual([
      ['ebx', 2696],
    ]);
  });

  it('may be of any CPU where CPUs have fields of their own', () => {
    const leaf1 = shown.find(({ leaf }) => leaf === 1)!;
    expect(isKept(verify(changed(1, { ebx: (leaf1.ebx | 0x05000000) >>> 0 })))).toBe(true);
    expect(isKept(verify(changed(1, { ebx: (leaf1.ebx ^ 0x00000800) >>> 0 })))).toBe(false);
  });

  it("is no CPU's own in another register or leaf than such a field has", () => {
    const wrong = (leaf: number, register: 'ebx' | 'edx') => {
      const row = shown.find((one) => one.leaf === leaf)!;
      const seen = changed(leaf, { [register]: (row[register] ^ 0x01000000) >>> 0 });
      return verify(seen).wrong.map((one) => [one.leaf, one.register]);
    };
    expect(wrong(1, 'ebx')).toEqual([]);
    expect(wrong(1, 'edx')).toEqual([[1, 'edx']]);
    expect(wrong(7, 'ebx')).toEqual([[7, 'ebx']]);
  });

  it('may be of any kind of CPU on a hybrid host', () => {
    const [cpu] = here.cpus;
    const rows = cpu!.leaves.rows.map((row) => (row.leaf === 1 ? { ...row, eax: 0x90675 } : row));
    const little = { ...cpu!, logical: [1], leaves: leafTable(rows) };
    const hybrid: Host = { ...here, cpus: [cpu!, little] };
    expect(isKept(verify(changed(1, { eax: 0x90675 }), hybrid))).toBe(true);
    expect(isKept(verify(changed(1, { eax: 0x90672 }), hybrid))).toBe(false);
  });

  it.each<[string, Partial<SeenAnswers>]>([
    ['AT_HWCAP', { hwcap: FACTS.hwcap }],
    ['AT_HWCAP2', { hwcap2: 2n }],
    ['AT_MINSIGSTKSZ', { minSigStackBytes: 1776 }],
  ])('is wrong where %s is', (name, word) => {
    const result = verify({ ...good, ...word });
    expect(result.wrongWords.map((one) => one.name)).toEqual([name]);
    expect(isKept(result)).toBe(false);
  });

  it('proves nothing where it is nothing', () => {
    expect(isKept(verify({ ...good, rows: [] }))).toBe(false);
  });
});

describe('other means', () => {
  it('are named where they show more', () => {
    const { leaks } = verify(good, here, { cpuidDevice: true, kvm: true, patched: true });
    expect(leaks.map(({ code }) => code)).toEqual([
      'patched-code',
      'instructions',
      'xgetbv',
      'proc-cpuinfo',
      'proc-auxv',
      'cpuid-device',
      'kvm',
    ]);
    expect(leaks.find(({ code }) => code === 'xgetbv')?.what).toMatch(
      /opmask, zmm_hi256, hi16_zmm, pkru/,
    );
    expect(leaks.find(({ code }) => code === 'proc-cpuinfo')?.what).toBe(
      '/proc/cpuinfo lists what the mask hides: avx512f.',
    );
  });

  it.each<[string, Partial<Host['system']>, string | undefined]>([
    ['both words of bits', {}, 'AT_HWCAP, AT_HWCAP2'],
    ['what the kernel tells alike', { hwcap2: 0n }, 'AT_HWCAP'],
    [
      'a frame that the mask makes larger',
      { hwcap: 0n, hwcap2: 0n, minSigStackBytes: 1 },
      'AT_MINSIGSTKSZ',
    ],
    ['nothing', { hwcap: FACTS.hwcap & mask.hwcap.keep, hwcap2: 0n }, undefined],
  ])(
    'of /proc/self/auxv are the words that differ from what is on the stack: %s',
    (_, facts, names) => {
      const frame = { minSigStackBytes: mask.minSigStackBytes };
      const host = { ...here, system: { ...here.system, ...frame, ...facts } };
      const { leaks } = verify(good, host);
      expect(leaks.find(({ code }) => code === 'proc-auxv')?.what).toBe(
        names === undefined ? undefined : `/proc/self/auxv has the kernel's own ${names}.`,
      );
    },
  );

  it('are none on a host that has no more than the baseline', () => {
    const own = baselineOfPlans([HASWELL]);
    const { leaks } = verifyMask(
      compileMask(own).mask,
      own.features,
      described(hostOf(HASWELL)),
      good,
      NO_ROADS,
    );
    expect(leaks).toEqual([]);
  });
});

describe('a mask that holds or not', () => {
  /** One thing of the host changed, all else as the mask gives it. */
  const system = (facts: Partial<Host['system']>): Host => ({
    ...here,
    system: { ...here.system, ...facts },
  });

  const lacking = (word: 'hwcap' | 'minSigStackBytes'): Host => {
    const { [word]: _, ...rest } = here.system ?? {};
    return { ...here, system: rest };
  };

  it('counts the answers that can be judged', () => {
    expect(verify(good).answers).toBe(shown.length);
    const unasked: LeafRow = { leaf: 0x3e, subleaf: 0, eax: 0, ebx: 0, ecx: 0, edx: 0 };
    expect(verify({ ...good, rows: [...shown, unasked] }).answers).toBe(shown.length + 1);
    // Leaf 0x16 stays live: without its real answer there is nothing to hold it against.
    const live = { ...unasked, leaf: 0x16, eax: 3000 };
    expect(verify({ ...good, rows: [...shown, live] })).toMatchObject({
      answers: shown.length,
      wrong: [],
    });
  });

  it('names every register that differs, by the first CPU', () => {
    const zeros = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    const leaf1 = shown.find(({ leaf }) => leaf === 1)!;
    const result = verify(changed(1, zeros));
    expect(result.wrong).toEqual(
      (['eax', 'ebx', 'ecx', 'edx'] as const)
        .filter((register) => leaf1[register] !== 0)
        .map((register) => ({ leaf: 1, subleaf: 0, register, seen: 0, expected: leaf1[register] })),
    );
  });

  it('is missing what the program did not see, and shows what it should not have', () => {
    const leaf7 = shown.find(({ leaf }) => leaf === 7)!;
    const less = verify(changed(7, { ebx: leaf7.ebx & ~(1 << 5) }));
    expect(less).toMatchObject({ missing: ['avx2'], shown: [] });
    const more = verify(changed(7, { ebx: leaf7.ebx | (1 << 9) }));
    expect(more).toMatchObject({ missing: [], shown: ['erms'] });
    for (const result of [less, more]) expect(isKept(result)).toBe(false);
  });

  it("misses FSGSBASE where the program's AT_HWCAP2 lacks it, whatever the host's says", () => {
    const own = baselineOfPlans([HASWELL]);
    const host = described({ ...here, system: { ...here.system, hwcap2: 2n } });
    const check = (word: Partial<SeenAnswers>) => {
      const { hwcap2: _, ...rest } = good;
      const { mask: shownMask } = compileMask(own);
      const rows = applyMask(shownMask, here.cpus[0]!.leaves).rows.map((row) =>
        row.leaf === 7 && row.subleaf === 0 ? { ...row, ebx: row.ebx | 1 } : row,
      );
      const seenAnswers = { ...rest, rows, ...word } as SeenAnswers;
      return verifyMask(shownMask, [...own.features, 'fsgsbase'], host, seenAnswers, NO_ROADS)
        .missing;
    };
    expect(check({ hwcap2: 0n })).toContain('fsgsbase');
    expect(check({ hwcap2: 2n })).not.toContain('fsgsbase');
    // Not told by the program: the host's counts.
    expect(check({})).not.toContain('fsgsbase');
  });

  it('holds where nothing is wrong, and something was asked', () => {
    const nothing = { wrong: [], wrongWords: [], missing: [], shown: [], leaks: [] };
    expect(isKept({ ...nothing, answers: 0 })).toBe(false);
    expect(isKept({ ...nothing, answers: 1 })).toBe(true);
  });

  it('counts state by what CPUID offers and XGETBV shows together', () => {
    const noYmm = verify({ ...good, xcr0: 0x2e3n });
    expect(noYmm.missing).toEqual(expect.arrayContaining(['avx', 'avx2', 'fma', 'f16c']));
    expect(verify({ ...good, xcr0: undefined }).missing).toEqual(expect.arrayContaining(['avx']));
  });

  it.each<[string, Partial<SeenAnswers>, Host]>([
    ['AT_HWCAP of the program', { hwcap: undefined }, here],
    ['AT_HWCAP2 of the program', { hwcap2: undefined }, here],
    ['AT_MINSIGSTKSZ of the program', { minSigStackBytes: undefined }, here],
    ['AT_HWCAP of the host', { hwcap: 1n }, lacking('hwcap')],
    ['AT_MINSIGSTKSZ of the host', { minSigStackBytes: 1 }, lacking('minSigStackBytes')],
  ])('says nothing of a word that is not known: %s', (_, word, host) => {
    expect(verify({ ...good, ...word }, host).wrongWords).toEqual([]);
  });

  it("has the larger of its own and the kernel's AT_MINSIGSTKSZ", () => {
    const large = system({ minSigStackBytes: 100_000 });
    expect(verify({ ...good, minSigStackBytes: 100_000 }, large).wrongWords).toEqual([]);
    expect(verify({ ...good, minSigStackBytes: 3632 }, large).wrongWords).toEqual([
      { name: 'AT_MINSIGSTKSZ', seen: 3632n, expected: 100_000n },
    ]);
    const small = system({ minSigStackBytes: 500 });
    const own = BigInt(mask.minSigStackBytes);
    expect(verify({ ...good, minSigStackBytes: 500 }, small).wrongWords).toEqual([
      { name: 'AT_MINSIGSTKSZ', seen: 500n, expected: own },
    ]);
  });

  it('shows of AT_HWCAP what it keeps and what it sets', () => {
    const word = { keep: 0xff00n, set: 0x5n };
    const other = { ...mask, hwcap: word, hwcap2: word };
    const facts = { hwcap: 0xabcdn, hwcap2: 0x12n };
    const result = verifyMask(
      other,
      baseline.features,
      described(system(facts)),
      { ...good, hwcap: 1n, hwcap2: 1n },
      NO_ROADS,
    );
    expect(result.wrongWords).toEqual([
      { name: 'AT_HWCAP', seen: 1n, expected: 0xab05n },
      { name: 'AT_HWCAP2', seen: 1n, expected: 0x5n },
    ]);
  });
});

describe('what a program can learn beside CPUID', () => {
  const leaksOf = (host: Host, roads = NO_ROADS) => verify(good, host, roads).leaks;
  const codes = (host: Host, roads = NO_ROADS) => leaksOf(host, roads).map(({ code }) => code);
  const noFlags: Host = { ...here, system: { ...here.system, cpuinfoFlags: [] } };

  it.each([
    [true, false, ['cpuid-device']],
    [false, true, ['kvm']],
    [false, false, []],
  ])('is by devices: /dev/cpu %s, /dev/kvm %s', (cpuidDevice, kvm, expected) => {
    const found = codes(noFlags, { ...NO_ROADS, cpuidDevice, kvm }).filter((code) =>
      /device|kvm/.test(code),
    );
    expect(found).toEqual(expected);
  });

  it('is by flags of what tasks can use, of which the baseline lacks one', () => {
    const flagged = (...cpuinfoFlags: string[]): Host => ({
      ...here,
      system: { ...here.system, cpuinfoFlags },
    });
    for (const host of [
      flagged(),
      flagged('smep', 'constant_tsc', 'avx2'),
      { ...here, system: {} },
    ])
      expect(codes(host)).not.toContain('proc-cpuinfo');
    expect(codes(flagged('avx2', 'sha_ni'))).toContain('proc-cpuinfo');
  });

  it('is by the size of the area, where it is another', () => {
    expect(codes(noFlags)).not.toContain('xsave-area');
    const [cpu] = here.cpus;
    const rows = cpu!.leaves.rows.map((row) =>
      row.leaf === 0xd && row.subleaf === 0 ? { ...row, ebx: 2000 } : row,
    );
    const smaller: Host = { ...here, cpus: [{ ...cpu!, leaves: leafTable(rows) }] };
    expect(leaksOf(smaller).find(({ code }) => code === 'xsave-area')?.what).toBe(
      'The XSAVE area of the CPU has 2000 bytes; the mask shows 2696.',
    );
  });

  it.each<[number, readonly string[], number, string]>([
    // Beside what the baseline gives up: avx512f, dq, cd, bw, vl, xsavec, pku and ospke.
    [8, [], 8, ''],
    [9, ['avx'], 8, ' and 1 more'],
    [11, ['avx', 'avx2', 'fma'], 8, ' and 3 more'],
  ])('of %i instructions names eight', (_, given, named, rest) => {
    const { leaks } = verifyMask(
      mask,
      baseline.features.filter((name) => !given.includes(name)),
      described(noFlags),
      good,
      NO_ROADS,
    );
    const what = leaks.find(({ code }) => code === 'instructions')?.what ?? '';
    expect(what.split(':')[1]?.split(',')).toHaveLength(named);
    expect(/ and \d+ more/.exec(what)?.[0] ?? '').toBe(rest);
  });
});

describe('the report', () => {
  const names = { baseline: 'cluster.json', host: 'web-1' };
  const bad = verify(changed(7, { ebx: 0xffffffff }));

  const cost = {
    unmaskedSwitch: 1250,
    mixedSwitch: 4500,
    maskedSwitch: 1375,
    unmaskedCpuid: 90,
    trapOnOneCpu: 14_500,
    trapOnTwoCpus: undefined,
  };
  const notes = { remarks: ['a remark'], cost };

  it.each([
    ['kept', verify(good), notes, { ...cost, trapOnTwoCpus: null }],
    ['broken', bad, { ...notes, cost: 'why' }, { unmeasured: 'why' }],
  ])('%s is as its schema says', (verdict, result, said, figures) => {
    const json = JSON.parse(JSON.stringify(verifyJson(result, names, said)));
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
    expect(json.verdict).toBe(verdict);
    expect(json.cost).toEqual(figures);
  });

  it('says what the mask costs, or why that is unknown', () => {
    const style = { colors: createColors(false), width: 300 };
    const text = (said: typeof notes | { remarks: string[]; cost: string }) =>
      verifyText(verify(good), names, said, style);
    expect(text(notes)).toMatch(/\nWhat the mask costs here\n {2}A switch .* 3\.6 times/);
    expect(text({ remarks: [], cost: 'why' })).toMatch(
      / costs here\n {2}It wasn't measured: why\.\n$/,
    );
  });

  it('shows where a register differs', () => {
    const style = { colors: createColors(false), width: 80 };
    const text = verifyText(verify(changed(0xd, { ebx: 0x340, subleaf: 0 })), names, notes, style);
    expect(text).toContain('cluster.json on web-1: the mask does not hold');
    expect(text).toContain(
      [
        '  leaf 0xd.0 EBX',
        '    seen      0x00000340',
        '    expected  0x00000a88',
        '                     ^^^',
      ].join('\n'),
    );
  });
});

describe('the output of the prober', () => {
  it('is rows and words', () => {
    const text =
      '0 0 d 756e6547 6c65746e 49656e69\n80000001 0 0 0 121 2c100800\nxcr0 7\nxcr0-in-use 3\nhwcap bfebfbff\nhwcap2 2\nminsigstksz 2032\narch-get-cpuid 1\nxcomp-supp 7\n';
    expect(parseSeenAnswers(text)).toEqual({
      rows: [
        { leaf: 0, subleaf: 0, eax: 0xd, ebx: 0x756e6547, ecx: 0x6c65746e, edx: 0x49656e69 },
        { leaf: 0x80000001, subleaf: 0, eax: 0, ebx: 0, ecx: 0x121, edx: 0x2c100800 },
      ],
      xcr0: 7n,
      hwcap: 0xbfebfbffn,
      hwcap2: 2n,
      minSigStackBytes: 0x7f0,
    });
  });

  it.each(['0 0 1', 'fatal: no mask', '0 0 123456789 0 0 0'])('with %j is refused', (line) => {
    expect(() => parseSeenAnswers(`${line}\n`)).toThrow(/the program that asks CPUID printed/);
  });
});
