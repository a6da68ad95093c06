/**
 * Output of `ld.so --list-diagnostics` (glibc 2.33 and later), a line "name=value" for each fact:
 *
 *     x86.cpu_features.features[0x1].cpuid[0x1]=0xf1bf2ffb
 *
 * some leaves as the process saw them, what of them glibc takes for usable ("active", in 2.33 "usable"),
 * the size of its buffer for XSAVE, and the kernel's word. Newer releases print all leaves of every
 * logical CPU besides (ld-diagnostics-cpuid.ts).
 * Sources: glibc sysdeps/x86/dl-diagnostics-cpu.c, cpu-features.c, bits/platform/x86.h; elf/dl-diagnostics.c.
 */
import { COMPONENT, componentMask } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';
import { partialRow } from '../model/from-features.js';
import type { Cpu, Host, SystemFacts } from '../model/host.js';
import { isKernelSince } from '../model/kernel-release.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import {
  ALL_KNOWN,
  ALL_KNOWN_64,
  type Known64,
  NO_REGISTERS,
  type Register,
} from '../model/registers.js';
import { isRelease, isSince } from '../model/release.js';
import { LEGACY_AREA_BYTES } from '../model/xsave.js';
import { type Format, type Input, malformed } from './format.js';
import {
  GLIBC_LEAVES,
  type GlibcIdentity,
  glibcIdentityRows,
  xcr0ByGlibc,
} from './glibc-features.js';
import { ProcessorLines } from './ld-diagnostics-cpuid.js';
import { CHECKS_COMPONENTS } from './proc-cpuinfo-flags.js';
import { endsInsideLine, forEachLine, quote } from './text-dump.js';

const REGISTERS: readonly Register[] = ['eax', 'ebx', 'ecx', 'edx'];

const FEATURE =
  /^x86\.cpu_features\.features\[0x([0-9a-f]{1,2})\]\.(cpuid|active|usable)\[0x([0-3])\]$/;
const AUXV = /^auxv\[(0x[0-9a-f]{1,3})\]\.(a_type|a_val)$/;
const ENVIRONMENT = /^env(?:_filtered)?\[0x[0-9a-f]{1,4}\]$/;
const PROCESSOR = 'x86.processor[';
/** Other facts that are read. */
const FACTS: ReadonlySet<string> = new Set([
  ...['kind', 'max_cpuid', 'family', 'model', 'stepping'].map(
    (name) => `x86.cpu_features.basic.${name}`,
  ),
  'x86.cpu_features.xsave_state_full_size',
  'dl_hwcap2',
  'uname.machine',
  'uname.release',
  'version.version',
]);
/** No name and no value that is read is longer. */
const LONGEST_LINE = 400;

type Words = Map<number, (number | undefined)[]>;

/** What the lines say, each once. */
class Facts {
  readonly cpuid: Words = new Map();
  readonly active: Words = new Map();
  readonly values = new Map<string, { readonly value: string; readonly line: number }>();
  readonly processors: ProcessorLines;
  /** Whether glibc was told to leave features out; undefined: the environment isn't shown. */
  isTuned: boolean | undefined;
  readonly #input: Input;

  constructor(input: Input) {
    this.#input = input;
    this.processors = new ProcessorLines(input);
  }

  add(name: string, value: string, line: number): void {
    const feature = FEATURE.exec(name);
    if (feature !== null) this.#addWord(feature as unknown as string[], value, line);
    else if (name.startsWith(PROCESSOR))
      this.processors.add(name.slice(PROCESSOR.length), value, line);
    else if (ENVIRONMENT.test(name)) {
      this.isTuned ??= false;
      if (value.startsWith('"GLIBC_TUNABLES=') && value.includes('hwcap')) this.isTuned = true;
    } else if (FACTS.has(name) || AUXV.test(name)) {
      const before = this.values.get(name);
      if (before !== undefined && before.value !== value) throw this.#twice(name, line);
      this.values.set(name, { value, line });
    }
  }

  #twice(name: string, line: number): InputError {
    return malformed(
      this.#input,
      'is given twice, with different values',
      { line, at: name },
      'A file holds one host; split what was joined from several.',
    );
  }

  #addWord([name = '', index, kind, register]: string[], value: string, line: number): void {
    const words = kind === 'cpuid' ? this.cpuid : this.active;
    const number = readNumber(this.#input, name, value, line);
    const at = Number.parseInt(index as string, 16);
    const row = words.get(at) ?? [undefined, undefined, undefined, undefined];
    const place = Number(register);
    if (row[place] !== undefined && row[place] !== number) throw this.#twice(name, line);
    row[place] = number;
    words.set(at, row);
  }

  text(name: string): string | undefined {
    const value = this.values.get(name)?.value;
    return value === undefined ? undefined : /^"([ -~]{1,200})"$/.exec(value)?.[1];
  }

  number(name: string): number | undefined {
    const fact = this.values.get(name);
    return fact && readNumber(this.#input, name, fact.value, fact.line);
  }
}

/** A 32-bit number as glibc prints it. */
function readNumber(input: Input, at: string, value: string, line: number): number {
  if (!/^0x[0-9a-f]{1,8}$/.test(value))
    throw malformed(
      input,
      `${quote(value)} is not a number of 32 bits`,
      { line, at },
      'Expected "0x" and up to eight hex digits; give the output as it was printed.',
    );
  return Number.parseInt(value, 16);
}

function readLines(input: Input): { facts: Facts; isCut: boolean } {
  const text = input.text();
  const facts = new Facts(input);
  let isCut = false;
  forEachLine(text, (start, end, line) => {
    const content = text.slice(start, Math.min(end, start + LONGEST_LINE)).trim();
    const equals = content.indexOf('=');
    if (equals < 1) return;
    // The rest of a number may be missing, and nothing would show it.
    if (end === text.length && endsInsideLine(text) && /^x86\./.test(content)) isCut = true;
    else facts.add(content.slice(0, equals), content.slice(equals + 1), line);
  });
  return { facts, isCut };
}

/** Of a register whose line is missing nothing is known. */
function rowsOf(words: Words): LeafRow[] {
  return GLIBC_LEAVES.flatMap(([leaf, subleaf], at) => {
    const numbers = words.get(at);
    if (numbers === undefined) return [];
    const values = { ...NO_REGISTERS };
    const known = { ...NO_REGISTERS };
    for (const [place, register] of REGISTERS.entries()) {
      values[register] = numbers[place] ?? 0;
      known[register] = numbers[place] === undefined ? 0 : ALL_KNOWN;
    }
    return [{ leaf, subleaf, ...values, known }];
  });
}

function identityOf(facts: Facts): GlibcIdentity {
  const basic = (name: string) => facts.number(`x86.cpu_features.basic.${name}`);
  const [family, model, stepping] = [basic('family'), basic('model'), basic('stepping')];
  const isWhole = family !== undefined && model !== undefined && stepping !== undefined;
  return {
    kind: basic('kind'),
    highestLeaf: basic('max_cpuid'),
    family,
    signature: isWhole ? { family, model, stepping } : undefined,
  };
}

/** The row of leaf 1 that is told itself has it all. */
function identityRows(facts: Facts): LeafRow[] {
  const identity = identityOf(facts);
  const isTold = facts.cpuid.get(0)?.[0] !== undefined;
  return glibcIdentityRows(isTold ? { ...identity, signature: undefined } : identity);
}

/** What glibc adds to the area for the registers that it saves (STATE_SAVE_OFFSET), and rounds up to. */
const SAVED_BYTES = 64;
/** Later releases compute the size in other ways, too. */
const SIZE_RELEASES = { first: '2.33', before: '2.39' } as const;
const PKRU = componentMask([COMPONENT.pkru]);
const XTILE_DATA = componentMask([COMPONENT.xtile_data]);
const PKRU_BYTES = 8;

/**
 * 0xD.0 EBX: xsave_state_full_size is the next multiple of 64 of it and 64 more. Every component ends at
 * such a multiple but PKRU, which is last where there are no tiles.
 */
function areaRow(facts: Facts, xcr0: Known64): LeafRow | undefined {
  const bytes = facts.number('x86.cpu_features.xsave_state_full_size');
  const release = facts.text('version.version') ?? '';
  if (bytes === undefined || xcr0.known !== ALL_KNOWN_64 || xcr0.value === 0n) return undefined;
  if (!isRelease(release) || !isSince(release, SIZE_RELEASES.first)) return undefined;
  if (isSince(release, SIZE_RELEASES.before)) return undefined;
  const endsWithPkru = (xcr0.value & PKRU) !== 0n && (xcr0.value & XTILE_DATA) === 0n;
  const area = bytes - SAVED_BYTES - (endsWithPkru ? 64 - PKRU_BYTES : 0);
  return bytes % 64 === 0 && area >= LEGACY_AREA_BYTES ? partialRow(0xd, { ebx: area }) : undefined;
}

function readFeatures(input: Input, facts: Facts): Cpu {
  const rows = rowsOf(facts.cpuid);
  if (rows.length === 0)
    throw malformed(
      input,
      'holds no CPUID of an x86 CPU',
      { at: 'x86.cpu_features' },
      'Give all that "ld.so --list-diagnostics" prints.',
    );
  const leaves = leafTable([...identityRows(facts), ...rows]);
  const active = leafTable(rowsOf(facts.active));
  const kernel = facts.text('uname.release') ?? '';
  const xcr0 = xcr0ByGlibc(leaves, active, {
    isTuned: facts.isTuned,
    checksComponents: isKernelSince(kernel, CHECKS_COMPONENTS),
  });
  const area = areaRow(facts, xcr0);
  return {
    logical: [0],
    leaves: area === undefined ? leaves : leafTable([...leaves.rows, area]),
    xcr0,
  };
}

/** Numbers of linux/auxvec.h. */
const AT = { hwcap: 0x10, hwcap2: 0x1a, minSigStack: 0x33 } as const;

/** Entries of the auxiliary vector by type. */
function auxiliaryVector(facts: Facts): Map<number, bigint> {
  const vector = new Map<number, bigint>();
  for (const [name, { value }] of facts.values) {
    const [, index, what] = AUXV.exec(name) ?? [];
    if (what !== 'a_type' || !/^0x[0-9a-f]{1,8}$/.test(value)) continue;
    const entry = facts.values.get(`auxv[${index}].a_val`)?.value ?? '';
    if (/^0x[0-9a-f]{1,16}$/.test(entry)) vector.set(Number(value), BigInt(entry));
  }
  return vector;
}

function systemOf(facts: Facts): SystemFacts {
  const vector = auxiliaryVector(facts);
  const kernel = facts.text('uname.release');
  const glibc = facts.text('version.version');
  const hwcap = vector.get(AT.hwcap);
  const shown = facts.number('dl_hwcap2');
  const hwcap2 = vector.get(AT.hwcap2) ?? (shown === undefined ? undefined : BigInt(shown));
  const stack = vector.get(AT.minSigStack);
  return {
    ...(kernel === undefined ? {} : { kernel }),
    ...(hwcap === undefined ? {} : { hwcap }),
    ...(hwcap2 === undefined ? {} : { hwcap2 }),
    ...(stack === undefined || stack > 0xffff_ffffn ? {} : { minSigStackBytes: Number(stack) }),
    ...(glibc === undefined || !isRelease(glibc) ? {} : { glibc: { version: glibc } }),
  };
}

function read(input: Input): Host {
  const { facts, isCut } = readLines(input);
  const machine = facts.text('uname.machine');
  if (machine !== undefined && !/^(?:x86_64|i[3-6]86)$/.test(machine))
    throw new InputError('not-x86', 'is from a machine that is no x86', {
      place: { file: input.name, at: 'uname.machine' },
      remedy: 'Only x86-64 hosts are compared.',
    });
  const cpus = facts.processors.isEmpty
    ? [readFeatures(input, facts)]
    : facts.processors.finish(isCut);
  return {
    name: input.name,
    format: 'ld-diagnostics',
    kind: 'system',
    cpus,
    system: systemOf(facts),
    remarks: isCut
      ? ['The last line has no end, so that its number may be cut; it is left out.']
      : [],
  };
}

export const ldDiagnostics: Format = {
  name: 'ld-diagnostics',
  title: 'output of ld.so --list-diagnostics',
  recognise: (input) =>
    /^[ \t]{0,16}(?:x86\.cpu_features\.[a-z]|x86\.processor\[0x|dl_(?:dst_lib|hwcap|platform|pagesize)=)/m.test(
      input.head,
    ),
  read,
};
