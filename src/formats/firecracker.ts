/**
 * Fingerprint of a host by Firecracker's cpu-template-helper: the CPUID that a guest without a
 * template gets there, bit by bit. A bit written "x" isn't told.
 */
import validate from '../generated/firecracker-fingerprint.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { ALL_KNOWN, hex, type Register } from '../model/registers.js';
import { type Format, type Input, malformed } from './format.js';
import { schemaError } from './schema-errors.js';

interface Modifier {
  readonly leaf: string;
  readonly subleaf: string;
  readonly modifiers: readonly { readonly register: Register; readonly bitmap: string }[];
}

interface Fingerprint {
  readonly kernel_version?: string;
  readonly microcode_version?: string;
  readonly firecracker_version?: string;
  readonly bios_version?: string;
  readonly guest_cpu_config: { readonly cpuid_modifiers: readonly Modifier[] };
}

/** Underscores group digits and count for nothing; digits that are left out are zeros. */
function readBitmap(input: Input, bitmap: string, at: string): { value: number; known: number } {
  const digits = bitmap.slice(2).replaceAll('_', '');
  if (digits.length > 32 || digits.length === 0)
    throw malformed(input, 'has not 1 to 32 bits', { at });
  return {
    value: Number.parseInt(digits.replaceAll('x', '0'), 2),
    known: (ALL_KNOWN - Number.parseInt(digits.replaceAll('1', '0').replaceAll('x', '1'), 2)) >>> 0,
  };
}

function readRow(input: Input, modifier: Modifier, place: number): LeafRow {
  const at = `/guest_cpu_config/cpuid_modifiers/${place}`;
  const leaf = Number(modifier.leaf);
  const subleaf = Number(modifier.subleaf);
  if (leaf > ALL_KNOWN) throw malformed(input, 'is no leaf', { at: `${at}/leaf` });
  if (subleaf > 0xffff) throw malformed(input, 'is no subleaf', { at: `${at}/subleaf` });
  const values = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  const known = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  modifier.modifiers.forEach(({ register, bitmap }, number) => {
    const bits = readBitmap(input, bitmap, `${at}/modifiers/${number}/bitmap`);
    values[register] = bits.value;
    known[register] = bits.known;
  });
  const isWhole = Object.values(known).every((mask) => mask === ALL_KNOWN);
  return isWhole ? { leaf, subleaf, ...values } : { leaf, subleaf, ...values, known };
}

function read(input: Input): Host {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  if (isTemplate(value))
    throw malformed(
      input,
      'is a Firecracker CPU template, not a host: it says what to change, not what is there',
      {},
      'Record the host: "cpu-template-helper fingerprint dump", or "cpugate probe".',
    );
  if (!validate(value)) throw schemaError(input, validate.errors, 'firecracker-fingerprint');
  const fingerprint = value as Fingerprint;
  const rows = fingerprint.guest_cpu_config.cpuid_modifiers.map((modifier, place) =>
    readRow(input, modifier, place),
  );
  const seen = new Set<string>();
  rows.forEach(({ leaf, subleaf }, place) => {
    const key = `${hex(leaf)}.${subleaf}`;
    if (seen.has(key))
      throw malformed(input, `leaf ${key} is there twice`, {
        at: `/guest_cpu_config/cpuid_modifiers/${place}`,
      });
    seen.add(key);
  });
  const { kernel_version, microcode_version, firecracker_version } = fingerprint;
  return {
    name: input.name,
    format: 'firecracker',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(rows) }],
    system: {
      ...(kernel_version === undefined ? {} : { kernel: kernel_version }),
      ...(microcode_version === undefined ? {} : { microcode: microcode_version }),
    },
    remarks: [
      `What a guest of Firecracker ${firecracker_version ?? ''} gets there, not the host itself.`.replace(
        '  ',
        ' ',
      ),
    ],
  };
}

function isTemplate(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, 'cpuid_modifiers') &&
    !Object.hasOwn(value, 'guest_cpu_config')
  );
}

export const firecracker: Format = {
  name: 'firecracker',
  title: 'Firecracker fingerprint',
  recognise: ({ head }) =>
    /^\s*\{/.test(head) &&
    (head.includes('"guest_cpu_config"') || head.includes('"cpuid_modifiers"')),
  read,
};
