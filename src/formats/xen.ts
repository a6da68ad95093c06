/**
 * Xen's words of features: "xl info" (hw_caps), "xen-cpuid" and XenServer's or XCP-ng's "xe host-cpu-info", whose
 * fields also stand in one line of "xe host-param-list" (cpu_info). All are Xen's featureset: registers of
 * CPUID in an order of their own, of which releases have appended words.
 * Source: Xen xen/include/public/arch-x86/cpufeatureset.h; tools/xl/xl_info.c (hw_caps), tools/misc/xen-cpuid.c;
 * xapi's design document of heterogeneous pools.
 */
import type { FeatureName, Register } from '../catalogue/index.js';
import { featureRow, ROWS } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';
import {
  brandRows,
  encodeSignature,
  mergeRows,
  partialRow,
  partOfRow,
  vendorRow,
  xcr0FromFeatures,
} from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable, readRegister } from '../model/leaves.js';
import { ALL_KNOWN, bitsMask } from '../model/registers.js';
import { PRESENT, presenceOfBits, UNKNOWN } from '../model/xsave.js';
import { type Format, type Input, malformed } from './format.js';
import { quote } from './text-dump.js';

/** Of a featureset, in order; later words say nothing of tasks' features. */
const WORDS: readonly (readonly [leaf: number, subleaf: number, register: Register])[] = [
  [0x1, 0, 'edx'],
  [0x1, 0, 'ecx'],
  [0x80000001, 0, 'edx'],
  [0x80000001, 0, 'ecx'],
  [0xd, 1, 'eax'],
  [0x7, 0, 'ebx'],
  [0x7, 0, 'ecx'],
  [0x80000007, 0, 'edx'],
  [0x80000008, 0, 'ebx'],
  [0x7, 0, 'edx'],
  [0x7, 1, 'eax'],
  [0x80000021, 0, 'eax'],
  [0x7, 1, 'ebx'],
  [0x7, 2, 'edx'],
  [0x7, 1, 'ecx'],
  [0x7, 1, 'edx'],
];
/** Bits that follow what the system which runs there has enabled: it is not the one that tasks run on. */
const SET_BY_KERNEL: ReadonlyMap<string, number> = new Map(
  (['osxsave', 'ospke'] as const).map((name) => {
    const { leaf, reg, bit } = featureRow(name);
    return [`${leaf}.${reg}`, bitsMask(bit)];
  }),
);
/** There are 22 today. */
const MOST_WORDS = 100;
/** Earlier releases print hw_caps in Linux's order of 2009. */
const FIRST_RELEASE = 407;

const WORD = '[0-9a-f]{8}';
const HW_CAPS = new RegExp(
  `^hw_caps\\s{0,40}:\\s{0,8}(${WORD}(?::${WORD}){0,${MOST_WORDS}})\\s*$`,
  'im',
);
const XEN_CPUID = new RegExp(
  `^[ \\t]{0,8}(Raw|Host)[ \\t]{1,60}(${WORD}(?::${WORD}){1,${MOST_WORDS}})\\s*$`,
  'gm',
);
/** "key : value" of one line, or "key: value; key: value" of host-param-list. */
const XE_FIELD =
  /(?:^|[;:])[ \t]{0,60}([a-z_]{5,24})(?: \([A-Z]{2,3}\))?[ \t]{0,20}:[ \t]{0,8}([^;\n]{0,16384})/gm;
const FEATURESET = new RegExp(`^${WORD}(?:-${WORD}){1,${MOST_WORDS}}$`);

interface Found {
  readonly words: readonly number[];
  readonly what: string;
  readonly identity: readonly LeafRow[];
}

function wordsOf(text: string): number[] {
  return text.split(/[:-]/).map((word) => Number.parseInt(word, 16));
}

/** "4.17" as 417; undefined where the text doesn't tell. */
function xenRelease(text: string): number | undefined {
  const [, major, minor] =
    /^xen_version\s{0,40}:\s{0,8}(\d{1,2})\.(\d{1,2})/m.exec(text) ??
    /^xen_major\s{0,40}:\s{0,8}(\d{1,2})\s[\s\S]{0,200}?^xen_minor\s{0,40}:\s{0,8}(\d{1,2})\s/m.exec(
      text,
    ) ??
    [];
  return major === undefined ? undefined : Number(major) * 100 + Number(minor);
}

function fromXlInfo(input: Input, text: string): Found | undefined {
  const caps = HW_CAPS.exec(text)?.[1];
  if (caps === undefined) return undefined;
  const release = xenRelease(text);
  if (release === undefined)
    throw malformed(
      input,
      'has hw_caps without the release of Xen, which decides the order of its words',
      { at: 'xen_version' },
      'Give all that "xl info" prints.',
    );
  if (release < FIRST_RELEASE)
    throw malformed(
      input,
      'is of a Xen before 4.7, whose hw_caps are in another order',
      { at: 'xen_version' },
      'Record the host: "cpuid -1 -r" in dom0.',
    );
  return {
    words: wordsOf(caps),
    what: "This is what Xen itself sees of the host's CPU.",
    identity: [],
  };
}

function fromXenCpuid(text: string): Found | undefined {
  const sets = new Map([...text.matchAll(XEN_CPUID)].map(([, name, words]) => [name, words]));
  const words = sets.get('Host') ?? sets.get('Raw');
  if (words === undefined || !/^Dynamic sets:/m.test(text)) return undefined;
  const isRaw = !sets.has('Host');
  return {
    words: wordsOf(words),
    what: isRaw
      ? 'This is what the CPU has; Xen may use less.'
      : "This is what Xen itself uses of the host's CPU.",
    identity: [],
  };
}

function xeIdentity(input: Input, fields: ReadonlyMap<string, string>): LeafRow[] {
  const rows: LeafRow[] = [];
  const vendor = fields.get('vendor') ?? '';
  if (/^[A-Za-z ]{12}$/.test(vendor)) rows.push(vendorRow(vendor));
  const number = (name: string, most: number) => {
    const value = fields.get(name);
    if (value === undefined || value === '') return undefined;
    if (!/^\d{1,3}$/.test(value) || Number(value) > most)
      throw malformed(input, `${quote(value)} is not a number from 0 to ${most}`, { at: name });
    return Number(value);
  };
  const [family, model, stepping] = [
    number('family', 0xf + 0xff),
    number('model', 0xff),
    number('stepping', 0xf),
  ];
  if (family !== undefined && model !== undefined && stepping !== undefined)
    rows.push(partialRow(1, { eax: encodeSignature({ family, model, stepping }) }));
  const brand = fields.get('modelname') ?? '';
  if (brand !== '' && /^[ -~]{1,48}$/.test(brand)) rows.push(...brandRows(brand));
  return rows;
}

/** Without hardware virtualisation the sets for HVM are there and nearly empty. */
function isOfGuests(words: readonly number[]): boolean {
  return ((words[0] ?? 0) & 1) === 1;
}

function fromXe(input: Input, text: string): Found | undefined {
  if (!/features_(?:hvm|pv)(?:_host)?[ \t]{0,20}:/.test(text)) return undefined;
  const fields = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(XE_FIELD)) {
    const before = fields.get(key);
    if (before !== undefined && before !== value.trim() && key.startsWith('features_'))
      throw malformed(
        input,
        `gives ${key} twice, with different values`,
        {},
        'Give the text of one host.',
      );
    fields.set(key, value.trim());
  }
  for (const key of ['features_hvm_host', 'features_hvm', 'features_pv_host', 'features_pv']) {
    const value = fields.get(key);
    if (value === undefined) continue;
    if (!FEATURESET.test(value))
      throw malformed(
        input,
        `${quote(value)} is not a list of words of eight hexadecimal digits`,
        { at: key },
        'Give the whole output: a word that is cut off would look like missing features.',
      );
    const words = wordsOf(value);
    if (!isOfGuests(words)) continue;
    const guests = key.startsWith('features_hvm') ? 'HVM guests' : 'PV guests';
    return {
      words,
      what: `This is what Xen can give to ${guests} (${key}), not all of the CPU.`,
      identity: xeIdentity(input, fields),
    };
  }
  return undefined;
}

function find(input: Input): Found {
  const text = input.text();
  const found = fromXlInfo(input, text) ?? fromXenCpuid(text) ?? fromXe(input, text);
  if (found !== undefined) return found;
  throw malformed(
    input,
    'has no words of features that can be read',
    {},
    'Give all that "xl info", "xen-cpuid" or "xe host-cpu-info" prints.',
  );
}

function read(input: Input): Host {
  const { words, what, identity } = find(input);
  if (words.length < 8)
    throw malformed(input, `has ${words.length} words of features, and Xen prints eight at least`);
  const rows = words.slice(0, WORDS.length).map((value, place): LeafRow => {
    const [leaf, subleaf, register] = WORDS[place] as (typeof WORDS)[number];
    const known = (ALL_KNOWN & ~(SET_BY_KERNEL.get(`${leaf}.${register}`) ?? 0)) >>> 0;
    return partOfRow(leaf, subleaf, { [register]: (value & known) >>> 0 }, { [register]: known });
  });
  const leaves = leafTable(mergeRows([...rows, ...identity]));
  const presence = ({ leaf, subleaf, reg, bit }: (typeof ROWS)[number]) =>
    presenceOfBits(readRegister(leaves, leaf, subleaf, reg), bitsMask(bit));
  const present = new Set<FeatureName>();
  const told = new Set<FeatureName>();
  for (const row of ROWS) {
    if (presence(row) === PRESENT) present.add(row.name);
    if (presence(row) !== UNKNOWN) told.add(row.name);
  }
  if (!present.has('fpu') || !present.has('lm'))
    throw new InputError('malformed', 'has words of features of no x86-64 CPU', {
      place: { file: input.name },
      remedy: 'Give them as Xen prints them, from the first word on.',
    });
  return {
    name: input.name,
    format: 'xen',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves, xcr0: xcr0FromFeatures(present, (name) => told.has(name)) }],
    remarks: [`${what} XCR0 is what Linux sets for these features; the XSAVE area isn't in it.`],
  };
}

export const xen: Format = {
  name: 'xen',
  title: 'xl info, xen-cpuid or xe host-cpu-info of Xen',
  recognise: (input) =>
    /^hw_caps\s{0,40}:/m.test(input.head) ||
    /^Dynamic sets:/m.test(input.head) ||
    /(?:^|[ \t;])features_(?:hvm|pv)(?:_host)?[ \t]{0,20}:/m.test(input.text().slice(0, 65536)),
  read,
};
