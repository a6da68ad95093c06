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
  partialRow,
  partOfRow,
  rowsFromFeatures,
  vendorRow,
  xcr0FromFeatures,
} from '../model/from-features.js';
import { groupCpus } from '../model/group-cpus.js';
import type { Cpu, Host } from '../model/host.js';
import { isKernelSince } from '../model/kernel-release.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { fieldMask } from '../model/registers.js';
import { type Format, type Input, malformed } from './format.js';
import { type Block, KEYS, readBlocks, readFlags, readNumber } from './proc-cpuinfo-blocks.js';
import {
  CHECKS_COMPONENTS,
  featureOfFlag,
  kernelAtLeast,
  tellsAbsence,
  tellsNoBit,
} from './proc-cpuinfo-flags.js';
import { writeProcCpuinfo } from './proc-cpuinfo-write.js';
import { MAX_LOGICAL_CPUS } from './text-dump.js';

const MAX_UNKNOWN_SHOWN = 20;

function readSignature(input: Input, block: Block): LeafRow | undefined {
  // Largest values of the encoding (Intel SDM vol. 2A, CPUID leaf 1 EAX).
  const family = readNumber(input, block, 'cpu family', 0xf + 0xff);
  const model = readNumber(input, block, 'model', 0xff);
  const stepping =
    block.get('stepping')?.value.trim() === 'unknown'
      ? undefined
      : readNumber(input, block, 'stepping', 0xf);
  if (family === undefined || model === undefined || stepping === undefined) return undefined;
  return partialRow(1, { eax: encodeSignature({ family, model, stepping }) });
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
    throw malformed(
      input,
      'a vendor has at most twelve letters',
      { ...(field === undefined ? {} : { line: field.line }), at: 'vendor_id' },
      'Give the text as /proc/cpuinfo shows it.',
    );
  // Linux writes "unknown" where CPUID gave no letters.
  const letters = vendor.length > 12 ? vendor.trim() : vendor;
  if (letters.trim() !== '' && letters.trim() !== 'unknown') return vendorRow(letters, level);
  return level === undefined ? undefined : partialRow(0, { eax: level });
}

function readCacheLine(input: Input, block: Block): LeafRow | undefined {
  const bytes = readNumber(input, block, 'clflush size', 255 * 8);
  if (bytes === undefined || bytes === 0 || bytes % 8 !== 0) return undefined;
  return partOfRow(1, 0, { ebx: (bytes / 8) * 256 }, { ebx: fieldMask(15, 8) });
}

/** The physical width is what Linux has left: memory encryption takes bits of it. */
function readAddressSizes(input: Input, block: Block): LeafRow | undefined {
  const field = block.get('address sizes');
  if (field === undefined) return undefined;
  const match = /^(\d{1,3}) bits physical, (\d{1,3}) bits virtual\s{0,8}$/.exec(field.value);
  const [physical, virtual] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || physical > 255 || virtual > 255)
    throw malformed(
      input,
      'is not a width of addresses',
      { line: field.line, at: 'address sizes' },
      'Expected "46 bits physical, 48 bits virtual".',
    );
  return partOfRow(0x80000008, 0, { eax: physical + virtual * 256 }, { eax: fieldMask(15, 0) });
}

function featuresOf(flags: ReadonlySet<string>): ReadonlySet<FeatureName> {
  const present = new Set<FeatureName>();
  for (const flag of flags) {
    const name = featureOfFlag(flag);
    if (name !== undefined) present.add(name);
  }
  if (present.has('xsave')) present.add('osxsave');
  // Linux gives shadow stacks to tasks where the CPU has them (kernel/cpu/common.c, setup_cet).
  if (flags.has('user_shstk')) present.add('shstk');
  // Every CPU with tiles has it; a guest may lack it, and Linux leaves its tiles off then.
  if (flags.has('amx_tile') && !flags.has('hypervisor')) present.add('xfd');
  return present;
}

/**
 * Whether a component is off where the flag is missing, beyond what is told of the feature. AMX: a
 * kernel without its flag doesn't know its state either (both came with 5.16). AVX10: Linux asks
 * for avx512f, never for avx10, before it enables ZMM state (fpu/xstate.c, xsave_cpuid_features).
 * The flag of protection keys doesn't tell as much: kernels before 4.15 enabled every component
 * that the CPU offered, and Zen 2 offers PKRU without having the keys.
 */
const TELLS_COMPONENTS_OFF: ReadonlySet<FeatureName> = new Set(['amx_tile', 'avx10']);

function tellsComponentOff(
  name: FeatureName,
  flags: ReadonlySet<string>,
  kernel: string | undefined,
): boolean {
  if (TELLS_COMPONENTS_OFF.has(name)) return true;
  if (name === 'pku' && !isKernelSince(kernelAtLeast(flags, kernel), CHECKS_COMPONENTS))
    return false;
  return tellsAbsence(name, flags, kernel);
}

function readCpu(input: Input, block: Block, number: number): Cpu {
  const flags = new Set(readFlags(input, block, number));
  const present = featuresOf(flags);
  const brand = block.get('model name')?.value.trim() ?? '';
  const rows = mergeRows(
    [
      ...rowsFromFeatures(
        present,
        // The flag of hypervisors is printed since long before, and nothing takes it back.
        (row) => row.name === 'hypervisor' || tellsAbsence(row.name, flags, input.kernel),
      ),
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
    xcr0: xcr0FromFeatures(present, (name) => tellsComponentOff(name, flags, input.kernel)),
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
        { line: (block.get('processor') ?? [...block.values()][0])?.line ?? 1 },
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
      .flatMap((key) => [block.get(key)?.value ?? '', ...(block.get(key)?.wrapped ?? [])])
      .join('\n');
    const same = cpus.get(text);
    if (same === undefined)
      cpus.set(text, { cpu: readCpu(input, block, number), logical: [number] });
    else same.logical.push(number);
  }
  return groupCpus([...cpus.values()].map(({ cpu, logical }) => ({ ...cpu, logical })));
}

function remarksOn(flags: readonly string[], cpus: readonly Cpu[]): string[] {
  const remarks: string[] = [];
  const unknown = flags.filter((flag) => featureOfFlag(flag) === undefined && !tellsNoBit(flag));
  if (unknown.length > 0) {
    const shown = unknown.slice(0, MAX_UNKNOWN_SHOWN).join(' ');
    const left = unknown.length - MAX_UNKNOWN_SHOWN;
    remarks.push(
      `Flags that cpugate does not know are ignored: ${shown}${left > 0 ? ` and ${left} more` : ''}.`,
    );
  }
  if (cpus.length > 1)
    remarks.push(`The CPUs differ: ${cpus.map((cpu) => formatCpuList(cpu.logical)).join(' / ')}.`);
  return remarks;
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
  return hostOfBlocks(input, 'proc-cpuinfo', blocks);
}

/** At least one block. */
export function hostOfBlocks(input: Input, format: string, blocks: readonly Block[]): Host {
  const cpus = readCpus(input, blocks);
  const flags = readFlags(input, blocks[0] as Block, 0);
  const microcode = blocks[0]?.get('microcode')?.value.trim() ?? '';
  return {
    name: input.name,
    format,
    kind: 'system',
    cpus,
    system: {
      ...(input.kernel === undefined ? {} : { kernel: input.kernel }),
      cpuinfoFlags: flags,
      ...(/^0x[0-9a-f]{1,16}$/.test(microcode) ? { microcode } : {}),
    },
    remarks: remarksOn(flags, cpus),
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
