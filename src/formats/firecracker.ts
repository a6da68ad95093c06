/**
 * Fingerprint of a host by Firecracker's cpu-template-helper: the CPUID that a guest without a
 * template gets there, bit by bit. A bit written "x" isn't told.
 */
import validate from '../generated/firecracker-fingerprint.js';
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { ALL_KNOWN, hex, type Known32, type Register } from '../model/registers.js';
import { beginsWithBrace, type Format, type Input, malformed } from './format.js';
import { schemaError } from './schema-errors.js';

interface Modifier {
  readonly leaf: string;
  readonly subleaf: string;
  /** KVM's: bit 0 says that the leaf has subleaves. */
  readonly flags?: number;
  readonly modifiers: readonly { readonly register: Register; readonly bitmap: string }[];
}

interface Fingerprint {
  readonly firecracker_version?: string;
  readonly kernel_version?: string;
  readonly microcode_version?: string;
  readonly bios_version?: string;
  readonly bios_revision?: string;
  readonly guest_cpu_config: { readonly cpuid_modifiers: readonly Modifier[] };
}

/**
 * Underscores group digits and count for nothing; bits left of a short bitmap aren't told, as
 * Firecracker leaves them alone (RegisterValueFilter in its cpu_config/templates.rs).
 */
function readBitmap(input: Input, bitmap: string, at: string): Known32 {
  const digits = bitmap.replace(/^0b/, '').replaceAll('_', '');
  if (digits.length > 32 || digits.length === 0)
    throw malformed(input, 'does not have 1 to 32 bits', { at });
  return {
    value: Number.parseInt(digits.replaceAll('x', '0'), 2),
    known: Number.parseInt(digits.replaceAll('0', '1').replaceAll('x', '0'), 2),
  };
}

/** Leaf 0xD EBX, subleaves 0 and 1: sizes for what XCR0 holds, which in a guest not started is x87. */
function followsXcr0(leaf: number, subleaf: number, register: Register): boolean {
  return leaf === 0xd && subleaf < 2 && register === 'ebx';
}

function readRow(input: Input, modifier: Modifier, place: number): LeafRow {
  const at = `/guest_cpu_config/cpuid_modifiers/${place}`;
  const leaf = Number(modifier.leaf);
  const subleaf = Number(modifier.subleaf);
  if (subleaf > 0xffff) throw malformed(input, 'is not a subleaf', { at: `${at}/subleaf` });
  if (subleaf > 0 && modifier.flags === 0)
    throw malformed(input, `names subleaf ${subleaf}, and its flags say that the leaf has none`, {
      at,
    });
  const values = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  const known = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  const seen = new Set<Register>();
  modifier.modifiers.forEach(({ register, bitmap }, number) => {
    const where = `${at}/modifiers/${number}`;
    if (seen.has(register)) throw malformed(input, `has ${register} twice`, { at: where });
    seen.add(register);
    const bits = readBitmap(input, bitmap, `${where}/bitmap`);
    if (followsXcr0(leaf, subleaf, register)) return;
    values[register] = bits.value;
    known[register] = bits.known;
  });
  const isWhole = Object.values(known).every((mask) => mask === ALL_KNOWN);
  return isWhole ? { leaf, subleaf, ...values } : { leaf, subleaf, ...values, known };
}

function readRows(input: Input, modifiers: readonly Modifier[]): LeafRow[] {
  const rows = modifiers.map((modifier, place) => readRow(input, modifier, place));
  const seen = new Set<string>();
  rows.forEach(({ leaf, subleaf }, place) => {
    const key = `${hex(leaf)}.${subleaf}`;
    if (seen.has(key))
      throw malformed(input, `leaf ${key} is there twice`, {
        at: `/guest_cpu_config/cpuid_modifiers/${place}`,
      });
    seen.add(key);
  });
  return rows;
}

function hasOwn(value: unknown, key: string): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

/** What looks like a fingerprint and is none. */
function checkKind(input: Input, value: unknown): void {
  if (!hasOwn(value, 'guest_cpu_config')) {
    if (hasOwn(value, 'cpuid_modifiers'))
      throw malformed(
        input,
        'is a Firecracker CPU template, not a host: it says what to change, not what the CPU has',
        {},
        'Record the host: "cpu-template-helper fingerprint dump", or "cpugate probe".',
      );
    return;
  }
  const config = value.guest_cpu_config;
  if (hasOwn(config, 'reg_modifiers') && !hasOwn(config, 'cpuid_modifiers'))
    throw new InputError('not-x86', 'is from an ARM machine', {
      place: { file: input.name },
      remedy: 'Only x86 CPUs are compared.',
    });
}

function remarksOn({ firecracker_version, bios_version, bios_revision }: Fingerprint): string[] {
  const version = firecracker_version === undefined ? '' : ` ${firecracker_version}`;
  const bios = [bios_version, bios_revision].filter((part) => part !== undefined);
  return [
    `This is what a guest of Firecracker${version} sees on the host, not the host itself.`,
    ...(bios.length === 0 ? [] : [`Firmware of the host: ${bios.join(', revision ')}.`]),
  ];
}

function read(input: Input): Host {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  checkKind(input, value);
  if (!validate(value)) throw schemaError(input, validate.errors, 'firecracker-fingerprint');
  const fingerprint = value as Fingerprint;
  const rows = readRows(input, fingerprint.guest_cpu_config.cpuid_modifiers);
  const { kernel_version, microcode_version } = fingerprint;
  return {
    name: input.name,
    format: 'firecracker',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(rows) }],
    system: {
      ...(kernel_version === undefined ? {} : { kernel: kernel_version }),
      ...(microcode_version === undefined ? {} : { microcode: microcode_version }),
    },
    remarks: remarksOn(fingerprint),
  };
}

export const firecracker: Format = {
  name: 'firecracker',
  title: 'Firecracker fingerprint',
  recognise: (input) =>
    beginsWithBrace(input) &&
    /"(?:guest_cpu_config|cpuid_modifiers|msr_modifiers)"/.test(input.text()),
  read,
};
