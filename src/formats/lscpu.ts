/**
 * Output of `lscpu` and `lscpu -J`: /proc/cpuinfo of one CPU for all, under names of its own. On a
 * terminal it is nested, and the flags are broken at the right edge in the midst of words.
 * Source: util-linux sys-utils/lscpu.c, lscpu-cputype.c (which fields of /proc/cpuinfo it shows).
 */
import validate from '../generated/lscpu.js';
import { parseCpuList } from '../model/cpu-list.js';
import { InputError } from '../model/errors.js';
import type { Cpu, Host } from '../model/host.js';
import { beginsWithBrace, type Format, type Input, malformed } from './format.js';
import { hostOfBlocks } from './proc-cpuinfo.js';
import {
  type Block,
  type Field,
  givenTwice,
  type Key,
  type Layout,
  readBlocks,
  readFlags,
} from './proc-cpuinfo-blocks.js';
import { schemaError } from './schema-errors.js';
import { MAX_LOGICAL_CPUS } from './text-dump.js';

/** In the C locale; "processor" is the list of CPUs here. */
const NAMES: ReadonlyMap<string, Key> = new Map([
  ['Vendor ID', 'vendor_id'],
  ['CPU family', 'cpu family'],
  ['Model', 'model'],
  ['Model name', 'model name'],
  ['Stepping', 'stepping'],
  ['Flags', 'flags'],
  ['Address sizes', 'address sizes'],
]);

/** As CPUID gives them: lscpu takes the blanks around a vendor away. */
const VENDORS: ReadonlyMap<string, string> = new Map([
  ...['GenuineIntel', 'AuthenticAMD', 'HygonGenuine', 'CentaurHauls'].map(
    (vendor) => [vendor, vendor] as const,
  ),
  ['Shanghai', '  Shanghai  '],
  ['VIA VIA VIA', 'VIA VIA VIA '],
]);

/** The flags of x86 begin so: the kernel prints them by word and bit. */
const BEGINS_WITH_FLAGS = /^fpu[ \t]+[a-z0-9]/;
const ADDRESS_SIZES = /^\d{1,3} bits physical, \d{1,3} bits virtual\s{0,8}$/;

/** What the value alone says, in any language. */
function keyOfValue(value: string): Key | undefined {
  if (BEGINS_WITH_FLAGS.test(value)) return 'flags';
  if (VENDORS.has(value.trim())) return 'vendor_id';
  return ADDRESS_SIZES.test(value) ? 'address sizes' : undefined;
}

function keyOf(written: string, value: string): Key | undefined {
  // lscpu writes a dash for what it doesn't know.
  if (value.trim() === '' || value.trim() === '-') return undefined;
  const key = NAMES.get(written) ?? keyOfValue(value);
  // On a narrow terminal they go on in the next line.
  return key === 'address sizes' && !ADDRESS_SIZES.test(value) ? undefined : key;
}

interface Seen {
  readonly block: Block;
  /** Other fields of the C locale. */
  readonly architecture: string | undefined;
  readonly online: string | undefined;
  readonly isTranslated: boolean;
}

/** Collects what lscpu tells besides /proc/cpuinfo. */
class Others {
  architecture: string | undefined;
  online: string | undefined;
  isTranslated = false;

  see(written: string, value: string): void {
    if (written === 'Architecture') this.architecture = value.trim();
    if (written === 'On-line CPU(s) list') this.online = value.trim();
    if (written !== 'Flags' && BEGINS_WITH_FLAGS.test(value)) this.isTranslated = true;
  }
}

/** A colon of Chinese and Japanese translations, in UTF-8 read byte by byte. */
const WIDE_COLON = /\u00ef\u00bc\u009a/g;

function readText(input: Input): Seen {
  const others = new Others();
  const layout: Layout = {
    keyOf: (written, value) => {
      others.see(written, value);
      return keyOf(written, value);
    },
    isForeign: () => false,
    hasColumn: true,
  };
  const { blocks } = readBlocks(input, layout, input.text().replace(WIDE_COLON, ':  '));
  return { ...others, block: blocks[0] ?? new Map() };
}

interface Entry {
  readonly field: string;
  readonly data?: string | null;
  readonly children?: readonly Entry[];
}

/** As deep as the schema looks. */
const LEVELS = 3;

function flatten(entries: readonly Entry[], levels = LEVELS): Entry[] {
  if (levels === 0) return [];
  return entries.flatMap((entry) => [entry, ...flatten(entry.children ?? [], levels - 1)]);
}

function lineOf(text: string, { field, data }: Entry): number {
  const places = [field, data ?? ''].map((part) => text.indexOf(JSON.stringify(part)));
  const place = places.find((at) => at >= 0) ?? 0;
  return text.slice(0, place).split('\n').length;
}

function readJson(input: Input): Seen {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  if (!validate(value)) throw schemaError(input, validate.errors, 'lscpu');
  const others = new Others();
  const block: Block = new Map();
  for (const entry of flatten((value as { lscpu: readonly Entry[] }).lscpu)) {
    const [written, data] = [entry.field.replace(/\s{0,8}:$/, ''), entry.data ?? ''];
    others.see(written, data);
    const key = keyOf(written, data);
    if (key === undefined) continue;
    const before = block.get(key);
    const field: Field = {
      value: data,
      // For errors alone.
      get line() {
        return lineOf(input.text(), entry);
      },
    };
    if (before !== undefined && before.value !== data) throw givenTwice(input, written, field.line);
    block.set(key, field);
  }
  return { ...others, block };
}

/**
 * lscpu leaves "clflush size" out. Every CPU in long mode works on lines of 64 bytes, as Linux itself takes
 * for granted until it has asked (arch/x86/kernel/cpu/common.c, early_identify_cpu).
 */
const LINE_BYTES = '64';
const LINE_FLAGS = ['lm', 'clflush'];

/** lscpu shows one CPU's fields for all. */
function withLogicalCpus(cpu: Cpu, online: string | undefined): Cpu {
  const logical = parseCpuList(online ?? '') ?? [0];
  return logical.length > MAX_LOGICAL_CPUS ? cpu : { ...cpu, logical };
}

function remarksOn(cpu: Cpu, isTranslated: boolean): string[] {
  const remarks: string[] = [];
  if (cpu.logical.length > 1)
    remarks.push('lscpu shows the flags of one CPU; that the others have the same is assumed.');
  if (isTranslated)
    remarks.push(
      'The text is translated, so that family, model and stepping are not read; "LC_ALL=C lscpu" gives them.',
    );
  return remarks;
}

function read(input: Input): Host {
  const { block, architecture, online, isTranslated } = beginsWithBrace(input)
    ? readJson(input)
    : readText(input);
  if (architecture !== undefined && !/^(?:x86_64|i[3-6]86)$/.test(architecture))
    throw new InputError('not-x86', "is lscpu's output of a CPU that isn't x86", {
      place: { file: input.name, at: 'Architecture' },
      remedy: 'Only x86-64 hosts are compared.',
    });
  if (!block.has('flags'))
    throw malformed(
      input,
      'has no flags of an x86 CPU',
      { at: 'Flags' },
      'Give all that "LC_ALL=C lscpu" prints, with its "Flags".',
    );
  const vendor = block.get('vendor_id');
  const letters = VENDORS.get(vendor?.value.trim() ?? '');
  if (vendor !== undefined && letters !== undefined)
    block.set('vendor_id', { value: letters, line: vendor.line });
  const flags = readFlags(input, block, 0);
  if (LINE_FLAGS.every((flag) => flags.includes(flag)))
    block.set('clflush size', { value: LINE_BYTES, line: 1 });
  const host = hostOfBlocks(input, 'lscpu', [block]);
  const cpus = host.cpus.map((cpu) => withLogicalCpus(cpu, online));
  return { ...host, cpus, remarks: [...host.remarks, ...remarksOn(cpus[0] as Cpu, isTranslated)] };
}

const NAMED_LINE =
  /^[ \t]{0,16}(?:Architecture|CPU op-mode\(s\)|Byte Order|CPU\(s\)|On-line CPU\(s\) list|Vendor ID|CPU family|Thread\(s\) per core|Core\(s\) per socket|Socket\(s\)|BogoMIPS|Flags):[ \t]/gm;
/** The flags under a name that isn't that of /proc/cpuinfo, quoted or not. */
const FLAGS_LINE =
  /^(?![^a-z\n]{0,16}flags\s{0,16}:)[^:>\n]{1,60}?(?::|\u00ef\u00bc\u009a)[ \t]{1,60}fpu[ \t]+[a-z0-9]/m;

function recognise(input: Input): boolean {
  if (beginsWithBrace(input)) return /^\S{0,3}\s*\{\s*"lscpu"\s*:/.test(input.head);
  return (input.head.match(NAMED_LINE) ?? []).length >= 2 || FLAGS_LINE.test(input.head);
}

export const lscpu: Format = { name: 'lscpu', title: 'output of lscpu', recognise, read };
