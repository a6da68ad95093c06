/**
 * Linux's /proc/cpuinfo on x86: a block of "key: value" lines for each logical CPU. It is the OS's
 * view: Linux takes back the flags of what it doesn't enable, so that XCR0 follows from the flags.
 * Sizes and offsets of state components aren't there.
 * Source: Linux arch/x86/kernel/cpu/proc.c.
 */
import type { FeatureName } from '../catalogue/index.js';
import { formatCpuList } from '../model/cpu-list.js';
import { InputError } from '../model/errors.js';
import {
  brandRows,
  encodeSignature,
  mergeRows,
  rowsFromFeatures,
  vendorRow,
  xcr0FromFeatures,
} from '../model/from-features.js';
import { groupCpus } from '../model/group-cpus.js';
import type { Cpu, Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { ALL_KNOWN, fieldMask, NO_REGISTERS } from '../model/registers.js';
import { type Format, type Input, malformed } from './format.js';
import { featureOfFlag, isSyntheticFlag, tellsAbsence } from './proc-cpuinfo-flags.js';
import { writeProcCpuinfo } from './proc-cpuinfo-write.js';
import { endsInsideLine, forEachLine, MAX_LOGICAL_CPUS } from './text-dump.js';

/** The keys that are read; all others are passed over. */
const KEYS = [
  'processor',
  'vendor_id',
  'cpu family',
  'model',
  'model name',
  'stepping',
  'microcode',
  'cpuid level',
  'flags',
  'clflush size',
  'address sizes',
] as const;
type Key = (typeof KEYS)[number];
const READ_KEYS: ReadonlySet<string> = new Set(KEYS);

/** Keys of other architectures' cpuinfo (arm64, RISC-V, PowerPC, s390, LoongArch). */
const FOREIGN_KEYS: ReadonlySet<string> = new Set([
  'CPU implementer',
  'Features',
  'features',
  'isa',
  'cpu',
  'CPU Family',
]);

const LONGEST_KEY = 40;
/** Linux knows fewer than 700. */
const MAX_FLAGS = 2048;
const MAX_UNKNOWN_SHOWN = 20;

interface Field {
  readonly value: string;
  readonly line: number;
}

type Block = Map<Key, Field>;

function readBlocks(input: Input): {
  readonly blocks: readonly Block[];
  readonly foreign: boolean;
} {
  const text = input.text();
  const blocks: Block[] = [];
  let block: Block | undefined;
  let foreign = false;
  forEachLine(text, (start, end, line) => {
    const colon = text.slice(start, Math.min(end, start + LONGEST_KEY)).indexOf(':');
    if (colon === -1) return;
    const key = text.slice(start, start + colon).trim();
    if (FOREIGN_KEYS.has(key)) foreign = true;
    if (!READ_KEYS.has(key)) return;
    if (block === undefined || key === 'processor') {
      if (blocks.length >= MAX_LOGICAL_CPUS) throw tooManyCpus(input, line);
      block = new Map();
      blocks.push(block);
    }
    // One blank follows the colon; further ones are the vendor's ("  Shanghai  ").
    const value = text.slice(start + colon + 1, end).replace(/^[ \t]/, '');
    const before = block.get(key as Key);
    if (before !== undefined && before.value !== value)
      throw malformed(
        input,
        `"${key}" is given twice for one processor, with different values`,
        { line },
        'Give the text of one host, as /proc/cpuinfo shows it.',
      );
    block.set(key as Key, { value, line });
  });
  return { blocks, foreign };
}

function tooManyCpus(input: Input, line: number): InputError {
  return new InputError('too-large', `more than ${MAX_LOGICAL_CPUS} logical CPUs`, {
    place: { file: input.name, line },
    remedy: 'No Linux host has that many; give the text of one host.',
  });
}

/** A decimal number; undefined where the line isn't there. */
function readNumber(input: Input, block: Block, key: Key, most: number): number | undefined {
  const field = block.get(key);
  if (field === undefined) return undefined;
  const text = field.value.trim();
  if (!/^\d{1,9}$/.test(text) || Number(text) > most)
    throw malformed(
      input,
      `"${text.slice(0, 40)}" is no number from 0 to ${most}`,
      { line: field.line, at: key },
      'Give the text as /proc/cpuinfo shows it.',
    );
  return Number(text);
}

function readFlags(input: Input, block: Block, cpu: number): ReadonlySet<string> {
  const field = block.get('flags');
  const fail = (message: string) =>
    malformed(
      input,
      message,
      field === undefined ? { at: `processor ${cpu}` } : { line: field.line, at: 'flags' },
      'Give all of /proc/cpuinfo: flags that are cut off would look as if the CPU had them not.',
    );
  if (field === undefined) throw fail('has no line of flags');
  if (endsInsideLine(input.text()) && field.value.trim() !== '' && isLastLine(input, field))
    throw fail('ends in the middle of the flags');
  const flags = new Set(field.value.split(/[ \t]+/).filter((flag) => flag !== ''));
  if (flags.size > MAX_FLAGS) throw fail(`more than ${MAX_FLAGS} flags`);
  if (flags.size === 0) throw fail('the line of flags is empty');
  for (const flag of flags)
    if (!/^[a-z0-9_]{1,40}$/i.test(flag))
      throw fail(`${JSON.stringify(flag.slice(0, 40))} is no flag`);
  return flags;
}

function isLastLine(input: Input, field: Field): boolean {
  return input.text().endsWith(field.value);
}

function readSignature(input: Input, block: Block): LeafRow | undefined {
  // Largest values of the encoding (Intel SDM vol. 2A, CPUID leaf 1 EAX).
  const family = readNumber(input, block, 'cpu family', 0xf + 0xff);
  const model = readNumber(input, block, 'model', 0xff);
  const stepping =
    block.get('stepping')?.value.trim() === 'unknown'
      ? undefined
      : readNumber(input, block, 'stepping', 0xf);
  if (family === undefined || model === undefined || stepping === undefined) return undefined;
  return partOfRow(1, { eax: encodeSignature({ family, model, stepping }) }, { eax: ALL_KNOWN });
}

function partOfRow(
  leaf: number,
  values: Partial<LeafRow>,
  known: Partial<typeof NO_REGISTERS>,
): LeafRow {
  return { ...NO_REGISTERS, ...values, leaf, subleaf: 0, known: { ...NO_REGISTERS, ...known } };
}

/** Leaf 0 with the highest leaf ("cpuid level"), which is -1 on CPUs without CPUID. */
function readVendor(input: Input, block: Block): LeafRow | undefined {
  const field = block.get('vendor_id');
  const level =
    block.get('cpuid level')?.value.trim() === '-1'
      ? undefined
      : readNumber(input, block, 'cpuid level', 0xffff);
  const vendor = field?.value ?? '';
  if (vendor.length > 12 && vendor.trim().length > 12)
    throw malformed(input, 'a vendor has at most twelve letters', {
      line: field?.line ?? 0,
      at: 'vendor_id',
    });
  // Linux writes "unknown" where CPUID gave no letters.
  const letters = vendor.length > 12 ? vendor.trim() : vendor;
  if (letters.trim() !== '' && letters.trim() !== 'unknown') return vendorRow(letters, level);
  return level === undefined ? undefined : partOfRow(0, { eax: level }, { eax: ALL_KNOWN });
}

function readCacheLine(input: Input, block: Block): LeafRow | undefined {
  const bytes = readNumber(input, block, 'clflush size', 255 * 8);
  if (bytes === undefined || bytes === 0 || bytes % 8 !== 0) return undefined;
  return partOfRow(1, { ebx: (bytes / 8) * 256 }, { ebx: fieldMask(15, 8) });
}

/** Linux takes the bits of memory encryption off the physical width, so that only one is sure. */
function readAddressSizes(input: Input, block: Block): LeafRow | undefined {
  const field = block.get('address sizes');
  if (field === undefined) return undefined;
  const match = /^(\d{1,3}) bits physical, (\d{1,3}) bits virtual\s{0,8}$/.exec(field.value);
  const [physical, virtual] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || physical > 255 || virtual > 255)
    throw malformed(
      input,
      'is no width of addresses',
      { line: field.line, at: 'address sizes' },
      'Expected "46 bits physical, 48 bits virtual".',
    );
  return partOfRow(0x80000008, { eax: physical + virtual * 256 }, { eax: fieldMask(15, 0) });
}

function featuresOf(flags: ReadonlySet<string>): ReadonlySet<FeatureName> {
  const present = new Set<FeatureName>();
  for (const flag of flags) {
    const name = featureOfFlag(flag);
    if (name !== undefined) present.add(name);
  }
  if (present.has('xsave')) present.add('osxsave');
  return present;
}

/**
 * A kernel that doesn't know AMX, and so prints no flag of it, doesn't enable its state either
 * (both came with 5.16). The flag of protection keys doesn't tell as much: kernels before 4.15
 * enabled every component that the CPU offered.
 */
function tellsComponentsOff(name: FeatureName, flags: ReadonlySet<string>): boolean {
  return name === 'amx_tile' || tellsAbsence(name, flags);
}

function readCpu(input: Input, block: Block, number: number): Cpu {
  const flags = readFlags(input, block, number);
  const present = featuresOf(flags);
  const brand = block.get('model name')?.value.trim() ?? '';
  const rows = mergeRows(
    [
      ...rowsFromFeatures(present, (row) => tellsAbsence(row.name, flags)),
      readVendor(input, block),
      readSignature(input, block),
      readCacheLine(input, block),
      readAddressSizes(input, block),
      ...(brand === '' || brand === 'unknown' ? [] : brandRows(brand)),
    ].filter((row) => row !== undefined),
  );
  return {
    logical: [number],
    leaves: leafTable(rows),
    xcr0: xcr0FromFeatures(present, (name) => tellsComponentsOff(name, flags)),
  };
}

function numberBlocks(input: Input, blocks: readonly Block[]): readonly number[] {
  const seen = new Set<number>();
  return blocks.map((block, place) => {
    const number = readNumber(input, block, 'processor', MAX_LOGICAL_CPUS - 1) ?? place;
    if (seen.has(number))
      throw malformed(
        input,
        `processor ${number} comes a second time`,
        { line: block.get('processor')?.line ?? 0 },
        'A file holds one host; split what was joined from several.',
      );
    seen.add(number);
    return number;
  });
}

/** Blocks that say the same are read once: a host may have thousands. */
function readCpus(input: Input, blocks: readonly Block[]): readonly Cpu[] {
  const numbers = numberBlocks(input, blocks);
  const cpus = new Map<string, { cpu: Cpu; logical: number[] }>();
  for (const [place, block] of blocks.entries()) {
    const number = numbers[place] as number;
    const text = KEYS.filter((key) => key !== 'processor')
      .map((key) => block.get(key)?.value ?? '')
      .join('\n');
    const same = cpus.get(text);
    if (same === undefined)
      cpus.set(text, { cpu: readCpu(input, block, number), logical: [number] });
    else same.logical.push(number);
  }
  return groupCpus([...cpus.values()].map(({ cpu, logical }) => ({ ...cpu, logical })));
}

function remarksOn(blocks: readonly Block[], cpus: readonly Cpu[]): string[] {
  const remarks: string[] = [];
  const unknown = flagsOf(blocks[0]).filter(
    (flag) => featureOfFlag(flag) === undefined && !isSyntheticFlag(flag),
  );
  if (unknown.length > 0) {
    const shown = unknown.slice(0, MAX_UNKNOWN_SHOWN).join(' ');
    const left = unknown.length - MAX_UNKNOWN_SHOWN;
    remarks.push(
      `Flags that aren't in the catalogue decide nothing: ${shown}${left > 0 ? ` and ${left} more` : ''}`,
    );
  }
  if (cpus.length > 1)
    remarks.push(`CPUs that differ: ${cpus.map((cpu) => formatCpuList(cpu.logical)).join(' / ')}`);
  return remarks;
}

function flagsOf(block: Block | undefined): string[] {
  return (block?.get('flags')?.value ?? '').split(/[ \t]+/).filter((flag) => flag !== '');
}

function readProcCpuinfo(input: Input): Host {
  const { blocks, foreign } = readBlocks(input);
  if (foreign && !blocks.some((block) => block.has('flags')))
    throw new InputError('not-x86', "is the /proc/cpuinfo of a CPU that isn't x86", {
      place: { file: input.name },
      remedy: 'Only x86-64 hosts are compared.',
    });
  if (blocks.length === 0)
    throw malformed(input, 'holds no processor', {}, 'Give all of /proc/cpuinfo.');
  const cpus = readCpus(input, blocks);
  const microcode = blocks[0]?.get('microcode')?.value.trim();
  return {
    name: input.name,
    format: 'proc-cpuinfo',
    kind: 'system',
    cpus,
    system: {
      cpuinfoFlags: flagsOf(blocks[0]),
      ...(microcode === undefined || microcode === '' ? {} : { microcode }),
    },
    remarks: remarksOn(blocks, cpus),
  };
}

export const procCpuinfo: Format = {
  name: 'proc-cpuinfo',
  title: '/proc/cpuinfo of Linux',
  recognise: (input) =>
    /^(?:processor|vendor_id|flags|Features|CPU implementer)[ \t]{0,8}:/m.test(input.head),
  read: readProcCpuinfo,
  write: writeProcCpuinfo,
};
