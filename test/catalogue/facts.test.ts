/** Every row of the catalogue against tables that were made without it (facts/*.tsv). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMPONENTS, componentRow, LEVELS, ROWS } from '../../src/catalogue/index.js';
import { MICROARCHITECTURES } from '../../src/catalogue/microarchitectures.js';
import { PER_CPU_FIELDS } from '../../src/catalogue/per-cpu-fields.js';
import { REPEATED_BITS } from '../../src/catalogue/repeated-bits.js';
import { SYNTHETIC_FLAGS } from '../../src/catalogue/synthetic-flags.js';
import { lossSeverity } from '../../src/model/loss-severity.js';

function table(file: string): string[][] {
  const text = readFileSync(new URL(`facts/${file}`, import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => line.split('\t').map((cell) => (cell === '-' ? '' : cell)));
}

interface Fact {
  readonly place: string;
  readonly class: string;
  readonly fault: string;
  readonly marks: string;
  readonly edges: readonly string[];
  readonly vendor: string;
}

function factOf(cells: string[]): Fact {
  const [, place = '', kind = '', fault = '', marks = '', edges = '', vendor = ''] = cells;
  const list = edges.split(' ').filter((edge) => edge !== '');
  return { place, class: kind, fault, marks, edges: list, vendor };
}

/**
 * Where the catalogue knows better than the collected facts.
 * - xsaves, xfd: the facts call them state. XSAVES is for ring 0 (Intel SDM vol. 2B), and XFD is two MSRs: no task uses
 *   either, and what they keep for tasks are components, reported as such.
 * - misalignsse: the facts call it state. No component goes with it; a task can set MXCSR.MM (AMD APM vol. 1, 4.12), which
 *   a CPU without it refuses to load.
 * - cvt16: coded as XOP (AMD APM vol. 6), which needs YMM state; the facts have no edge.
 * - amx_tile, avx10, avx10_version, avx10_v1_aux: Intel's alone to the facts; the specification of ACE, which Intel and AMD
 *   wrote, asks for them.
 */
const BETTER: Readonly<Record<string, Partial<Fact>>> = {
  xsaves: { class: 'kernel_user' },
  xfd: { class: 'kernel_user' },
  misalignsse: { class: 'kernel_user' },
  cvt16: { edges: ['avx'] },
  amx_tile: { vendor: '' },
  avx10: { vendor: '' },
  avx10_version: { vendor: '' },
  avx10_v1_aux: { vendor: '' },
};

const FACTS = new Map(
  [...table('features.tsv'), ...table('newer.tsv')].map((cells): [string, Fact] => {
    const [name = ''] = cells;
    return [name, { ...factOf(cells), ...BETTER[name] }];
  }),
);

/**
 * What a loss of a row means whose class doesn't say it: of what the kernel sets up (kernel_user), by who can use it.
 * Sources: Intel SDM vol. 2 and AMD APM vol. 3 for what faults; Linux Documentation/arch/x86 for what tasks are given.
 */
const SEVERITY: Readonly<Record<string, readonly string[]>> = {
  // Instructions that any task may use where the bit is set, and that fault where it isn't.
  blocker: `tsc fsgsbase ospke rdpid rdtscp
    rng_en ace_en ace2_en phe_en pmm_en sm2_en ccs_en rng2_en phe2_en rsa_en`.split(/\s+/),
  // Only some tasks count on it: 32-bit ones (sep), such as run with shadow stacks, tags in pointers, MXCSR.MM, Key
  // Locker's handles, RDTSC as a clock; XACQUIRE is ignored where absent, so locks still hold but aren't elided (hle).
  risk: 'sep shstk lam aeskle misalignsse nonstop_tsc hle'.split(' '),
  // No task can use it under Linux, can't be checkpointed with it, or is told of the loss by another row.
  info: `sgx umip la57 key_locker bus_lock_detect enqcmd uintr ibt utmr user_msr uiret_uif xsaves xfd
    sgx1 sgx2 sgx_everifyreport2 sgx_edeccssa sgx_exinfo sgx_cpinfo sgx_debug sgx_mode64 sgx_provisionkey sgx_tokenkey
    sgx_kss sgx_aex_notify kl_cpl0_only kl_no_encrypt kl_no_decrypt aes_wide_kl syscall mcommit upper_addr_ignore
    gp_on_user_cpuid amx_int8_alias amx_bf16_alias amx_complex_alias amx_fp16_alias mmxext`.split(
    /\s+/,
  ),
};

function severityOf(name: string, kind: string): string | undefined {
  const told = Object.entries(SEVERITY).find(([, names]) => names.includes(name));
  if (told !== undefined) return told[0];
  if (kind === 'kernel_user') return undefined;
  return kind === 'isa' || kind === 'state' ? 'blocker' : 'info';
}

const MARKS = { state: '^', policy: '~', architectural: '' } as const;
const COMPONENT_FACTS = table('components.tsv');

/** Components that the instructions of a row use, by the features that bring them. */
function componentsOf(name: string): number[] {
  const bits = COMPONENT_FACTS.filter(
    ([bit, , kind, , , , brings = '']) =>
      Number(bit) >= 2 && kind === 'user' && brings.split(' ').includes(name),
  ).map(([bit]) => Number(bit));
  // ACE's own (specification 1.15, 3.2): tiles, and the block scale register, which is newer than the table.
  return name === 'ace_ai' ? [17, 18, 20] : bits;
}

describe('every row', () => {
  it('is a fact, and every fact a row', () => {
    expect(ROWS.map(({ name }) => name).sort()).toEqual([...FACTS.keys()].sort());
    expect(Object.keys(BETTER).filter((name) => !FACTS.has(name))).toEqual([]);
  });

  it.each(ROWS.map((row) => [row.name, row] as const))('%s', (name, row) => {
    const fact = FACTS.get(name);
    const bit = typeof row.bit === 'number' ? row.bit : row.bit.join(':');
    const marks = [
      row.silent === true ? 's' : '',
      row.criuInstruction === true ? 'c' : '',
      row.glibcTunable === true ? 't' : '',
    ];
    expect({
      place: `0x${row.leaf.toString(16)}.${row.subleaf} ${row.reg} ${bit}`,
      class: row.class,
      fault: row.fault ?? '',
      marks: marks.join(''),
      edges: (row.needs ?? []).map(({ on, kind }) => `${MARKS[kind]}${on}`).sort(),
      vendor: row.vendor ?? '',
    }).toEqual({ ...fact, edges: [...(fact?.edges ?? [])].sort() });
    expect(lossSeverity(row)).toBe(severityOf(name, row.class));
    expect(row.components ?? []).toEqual(componentsOf(name));
  });

  it('is called by other projects as they spell it', () => {
    // In no collected list: the specification of ACE is of 2026.
    const newer = [
      ['ace_ai', '', '', '', '', '-macev1', 'acev1'],
      ['avx10_v2_aux', '', '', '', '', '', 'avx10-v2-aux'],
    ];
    const spelled = ROWS.filter(({ names }) => names !== undefined).map(({ name, names }) => [
      name,
      names?.qemu ?? '',
      names?.libvirt ?? '',
      names?.xen ?? '',
      names?.glibc ?? '',
      names?.gcc ?? '',
      names?.llvm ?? '',
    ]);
    expect(spelled.sort()).toEqual([...table('names.tsv'), ...newer].sort());
  });
});

describe('state components', () => {
  const facts = [
    ...COMPONENT_FACTS,
    // ACE specification 1.15: one register of 1024 bits in bit 20 of XCR0; no CPU has shown where it lies.
    ['20', 'bsr', 'user', '128', '', '', 'ace_ai', 'a', 'no'],
  ];
  it('are as the manuals and Linux have them', () => {
    const rows = COMPONENTS.map((row) => [
      `${row.bit}`,
      row.name,
      row.kind,
      `${row.size}`,
      'offsetIntel' in row ? `${row.offsetIntel}` : '',
      'offsetAmd' in row ? `${row.offsetAmd}` : '',
      row.enabledBy.join(' '),
      `${row.aligned ? 'a' : ''}${row.xfd ? 'x' : ''}`,
      row.linux,
    ]);
    expect(rows).toEqual(facts.sort((a, b) => Number(a[0]) - Number(b[0])));
  });

  /** What one design only has: Zen 2 keeps PKRU in 64 bytes at 832 without having PKU; a console's Zen 2 puts LWP behind it. */
  const ODD = new Set(['AuthenticAMD 9 64@832', 'AuthenticAMD 62 128@896']);

  it.each(table('layouts.tsv'))('lie where %s CPUs say: component %s', (vendor, ...place) => {
    const [bit = '', bytes = '', offset = '', flags = ''] = place;
    if (ODD.has(`${vendor} ${bit} ${bytes}@${offset}`)) return;
    const row = componentRow(Number(bit));
    // Centaur's CPUs lay the area out as Intel's do (a dump of CNS).
    const isAmd = vendor === 'AuthenticAMD' || vendor === 'HygonGenuine';
    expect(`${row?.size}`).toBe(bytes);
    expect(row?.kind).toBe(offset === 'S' ? 'supervisor' : 'user');
    if (offset !== 'S') expect(isAmd ? row?.offsetAmd : row?.offsetIntel).toBe(Number(offset));
    expect(`${row?.aligned ? 'a' : ''}${row?.xfd ? 'x' : ''}`).toBe(flags);
  });
});

describe('the other tables', () => {
  it('have the levels of the psABI, less SYSCALL', () => {
    // Intel CPUs show its bit to 64-bit programs alone; glibc doesn't ask for it either.
    const levels = LEVELS.map(({ name, features }) => [name, features.join(' ')]);
    expect(levels).toEqual(
      table('levels.tsv').map(([name, names = '']) => [name, names.replace(/ syscall\b/, '')]),
    );
  });

  it("have Linux's flags without a bit", () => {
    expect(SYNTHETIC_FLAGS.map((flag) => [flag.name, flag.class])).toEqual(table('flags.tsv'));
  });

  it('have every known design under its signature, and no other', () => {
    const designs = MICROARCHITECTURES.flatMap((row) =>
      row.models.flatMap(([low, high]) =>
        Array.from({ length: high - low + 1 }, (_, place) =>
          [
            row.vendor,
            row.family,
            low + place,
            row.steppings?.join('-') ?? '',
            row.codename,
            row.year ?? '',
            row.archspec ?? '',
            row.gcc ?? '',
            row.qemu ?? '',
          ].join(' | '),
        ),
      ),
    );
    const facts = table('microarchitectures.tsv').flatMap(
      ([vendor, family, low, high, steppings = '', ...rest]) => {
        const range =
          steppings === '' || steppings.includes('-') ? steppings : `${steppings}-${steppings}`;
        return Array.from({ length: Number(high) - Number(low) + 1 }, (_, place) =>
          [vendor, family, Number(low) + place, range, ...rest].join(' | '),
        );
      },
    );
    expect(designs.sort()).toEqual(facts.sort());
  });

  it('say which bits of 0x80000001 EDX repeat those of leaf 1', () => {
    // AMD APM vol. 3, E.4.2: FPU to APIC (0-9), MTRR to PSE36 (12-17), MMX and FXSR (23, 24).
    const bits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 23, 24];
    const mask = bits.reduce((all, bit) => all + 2 ** bit, 0);
    expect(REPEATED_BITS).toEqual({
      leaf: 0x80000001,
      reg: 'edx',
      ofLeaf: 1,
      ofReg: 'edx',
      bits: mask,
    });
  });

  it('say which fields tell one logical CPU from another', () => {
    // Intel SDM vol. 2A: 1 EBX[31:24], 6 EDX[31:16], 0xB and 0x1F EDX; AMD APM vol. 3, E.4.16 and E.4.24.
    expect(PER_CPU_FIELDS.map(({ leaf, reg, bits }) => [leaf, reg, bits])).toEqual([
      [1, 'ebx', 0xff000000],
      [6, 'edx', 0xffff0000],
      [0xb, 'edx', 0xffffffff],
      [0x1f, 'edx', 0xffffffff],
      [0x8000001e, 'eax', 0xffffffff],
      [0x8000001e, 'ebx', 0xff],
      [0x8000001e, 'ecx', 0xff],
      [0x80000026, 'edx', 0xffffffff],
    ]);
  });
});
