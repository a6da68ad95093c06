import { describe, expect, it } from 'vitest';
import { ROWS } from '../../src/catalogue/index.js';
import { cpuidRaw } from '../../src/formats/cpuid-raw.js';
import { xen } from '../../src/formats/xen.js';
import { describeHost } from '../../src/model/capabilities.js';
import { ABSENT, PRESENT, UNKNOWN } from '../../src/model/xsave.js';
import { dumpText, failureOf, hex8, linesOf, readWith } from './dump-text.js';

const DUMP = 'skylake-server-guest.cpuid-1-r';
const registers = linesOf(dumpText(DUMP));
const register = (leaf: number, subleaf: number, name: 'eax' | 'ebx' | 'ecx' | 'edx') =>
  hex8(registers.find((row) => row.leaf === leaf && row.subleaf === subleaf)?.[name] ?? 0);

/** The featureset of cpufeatureset.h, its first ten words. */
const WORDS = [
  register(1, 0, 'edx'),
  register(1, 0, 'ecx'),
  register(0x80000001, 0, 'edx'),
  register(0x80000001, 0, 'ecx'),
  register(0xd, 1, 'eax'),
  register(7, 0, 'ebx'),
  register(7, 0, 'ecx'),
  register(0x80000007, 0, 'edx'),
  register(0x80000008, 0, 'ebx'),
  register(7, 0, 'edx'),
];
const NAMES = [
  ...['1.0.edx', '1.0.ecx', '80000001.0.edx', '80000001.0.ecx', 'd.1.eax'],
  ...['7.0.ebx', '7.0.ecx', '80000007.0.edx', '80000008.0.ebx', '7.0.edx'],
];

const xlInfo = (words = WORDS.slice(0, 8).join(':'), version = '4.17.5') =>
  `host                   : xen-1\nmachine                : x86_64\nhw_caps                : ${words}\nvirt_caps              : pv hvm\nxen_version            : ${version}\n`;
const xenCpuid = (rows: readonly string[]) =>
  `nr_features: 22\n\nStatic sets:\nKnown                                   ${'f'.repeat(8)}:${'f'.repeat(8)}\n\nDynamic sets:\n${rows.join('\n')}\n`;
const row = (name: string, words = WORDS) => `${name.padEnd(40)}${words.join(':')}`;
const NEARLY_NOTHING = ['10000000', '00200000', ...Array(8).fill('00000000')];
const xe = (fields: Readonly<Record<string, string>>) =>
  Object.entries({
    cpu_count: '4',
    vendor: 'GenuineIntel',
    modelname: 'Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz',
    family: '6',
    model: '85',
    stepping: '4',
    flags: 'fpu de tsc msr pae mce cx8',
    ...fields,
  })
    .map(([key, value]) => `${key.padEnd(18)}: ${value}\n`)
    .join('');

/** What tells: the same registers as "cpuid -r" printed them. */
const told = describeHost(readWith(cpuidRaw, dumpText(DUMP)));

describe.each([
  ['xl info', xlInfo(), 8],
  ['xen-cpuid', xenCpuid([row('Raw'), row('Host'), row('HVM Max', NEARLY_NOTHING)]), 10],
  ['xe host-cpu-info', xe({ features_hvm: WORDS.join('-') }), 10],
  [
    'one line of xe host-param-list',
    `   cpu_info (MRO): cpu_count: 4; vendor: GenuineIntel; features_hvm: ${WORDS.join('-')}; features_pv: ${WORDS.join('-')}\n`,
    10,
  ],
])('%s', (_, text, words) => {
  it('is recognised, and has the bits of its words', () => {
    const host = readWith(xen, text);
    const seen = describeHost(host);
    for (const { name, leaf, subleaf, reg } of ROWS) {
      // These mirror what the system has set; those every 64-bit CPU has.
      if (name === 'osxsave' || name === 'ospke' || name === 'syscall' || leaf >= 0xc0000000)
        continue;
      const place = NAMES.indexOf(`${leaf.toString(16)}.${subleaf}.${reg}`);
      const isTold = place >= 0 && place < words;
      const wanted = isTold ? told.hardware(name) : UNKNOWN;
      if (seen.hardware(name) !== wanted)
        expect([name, seen.hardware(name)]).toEqual([name, wanted]);
    }
    expect(seen.xsave.areaBytes).toBeUndefined();
  });
});

describe('of several sets', () => {
  const other = WORDS.map((word, place) => (place === 5 ? '00000000' : word));
  it('Xen’s own counts before what the CPU has', () => {
    const seen = describeHost(readWith(xen, xenCpuid([row('Raw'), row('Host', other)])));
    expect(seen.effective('avx2')).toBe(ABSENT);
    const raw = readWith(xen, xenCpuid([row('Raw')]));
    expect(describeHost(raw).effective('avx2')).toBe(PRESENT);
    expect(raw.remarks[0]).toContain('Xen may use less');
  });
  it('that of HVM guests, and that of PV guests where there is no hardware for others', () => {
    const features_pv = other.join('-');
    const avx2 = (fields: Readonly<Record<string, string>>) =>
      describeHost(readWith(xen, xe(fields))).effective('avx2');
    expect(avx2({ features_hvm: WORDS.join('-'), features_pv })).toBe(PRESENT);
    expect(avx2({ features_hvm: NEARLY_NOTHING.join('-'), features_pv })).toBe(ABSENT);
  });
  it('xe tells whose CPU it is', () => {
    const { vendor, brand, signature } = describeHost(
      readWith(xen, xe({ features_hvm: WORDS.join('-') })),
    );
    expect([vendor, brand]).toEqual(['GenuineIntel', 'Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz']);
    expect(signature).toEqual({ family: 6, model: 85, stepping: 4 });
  });
});

describe('refused', () => {
  it.each([
    ['hw_caps without a release', xlInfo().replace(/xen_version.*\n/, ''), /release of Xen/],
    ['a Xen of another order', xlInfo(undefined, '4.6.1'), /before 4\.7/],
    ['too few words', xlInfo(WORDS.slice(0, 7).join(':')), /7 words/],
    [
      'words that are cut',
      xe({ features_hvm: WORDS.join('-').slice(0, -3) }),
      /not a list of words/,
    ],
    ['another order', xlInfo([...WORDS.slice(0, 8)].reverse().join(':')), /no x86-64 CPU/],
    [
      'two hosts',
      xe({ features_hvm: WORDS.join('-') }) + xe({ features_hvm: NEARLY_NOTHING.join('-') }),
      /twice/,
    ],
    [
      'a family of three hundred',
      xe({ features_hvm: WORDS.join('-'), family: '300' }),
      /family|300/,
    ],
    [
      'nothing for any guest',
      xe({ features_hvm: NEARLY_NOTHING.join('-') }),
      /no words of features/,
    ],
  ])('%s', (_, text, message) => {
    const error = failureOf(xen, text);
    expect(`${error.message} ${error.place.at ?? ''}`).toMatch(message);
    expect(error.remedy ?? 'eight').not.toBe('');
  });
});
