/**
 * Damage to every dump in text: a reader gives a host that can be described, or an InputError that
 * names the file. Nothing else, and never late.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuidRaw } from '../../src/formats/cpuid-raw.js';
import { crac } from '../../src/formats/crac.js';
import { flagList } from '../../src/formats/flag-list.js';
import { type Format, openInput } from '../../src/formats/format.js';
import { instlatx64 } from '../../src/formats/instlatx64.js';
import { kernelLog } from '../../src/formats/kernel-log.js';
import { ldDiagnostics } from '../../src/formats/ld-diagnostics.js';
import { libcpuid } from '../../src/formats/libcpuid.js';
import { lscpu } from '../../src/formats/lscpu.js';
import { procCpuinfo } from '../../src/formats/proc-cpuinfo.js';
import { qemuCpu } from '../../src/formats/qemu-cpu.js';
import { xen } from '../../src/formats/xen.js';
import { describeHost } from '../../src/model/capabilities.js';
import { describeInputError, isInputError } from '../../src/model/errors.js';
import type { Host } from '../../src/model/host.js';
import { ALL_KNOWN } from '../../src/model/registers.js';
import { cpuTimer, TOO_LONG } from '../cpu-time.js';
import { cpuidLine, dumpText, hex8, linesOf } from './dump-text.js';

const registers = linesOf(dumpText('skylake-server-guest.cpuid-1-r'));
const TEXTS: readonly (readonly [Format, string])[] = [
  [cpuidRaw, dumpText('haswell-guest-2-cpus.cpuid-r')],
  [procCpuinfo, dumpText('haswell-guest-2-cpus.cpuinfo')],
  [instlatx64, `${registers.map((row) => cpuidLine(row)).join('\n')}\n`.repeat(2)],
  [
    instlatx64,
    registers
      .map(({ leaf, eax, ebx, ecx, edx }) => cpuidLine({ leaf, eax, ebx, ecx, edx }))
      .join('\n'),
  ],
  [
    libcpuid,
    registers
      .filter(({ leaf, subleaf }) => leaf < 32 && subleaf === 0)
      .map(
        ({ leaf, eax, ebx, ecx, edx }) =>
          `basic_cpuid[${leaf}]=${[eax, ebx, ecx, edx].map(hex8).join(' ')}\n`,
      )
      .join(''),
  ],
  [lscpu, dumpText('haswell-guest-2-cpus.lscpu')],
  [lscpu, dumpText('epyc-milan-guest.lscpu-terminal')],
  [lscpu, dumpText('skylake-server-guest.lscpu-J')],
  [ldDiagnostics, dumpText('emerald-rapids.ld-diagnostics')],
  [
    ldDiagnostics,
    [0, 1]
      .flatMap((number) => [
        `x86.processor[0x${number}].requested=0x${number}`,
        `x86.processor[0x${number}].cpuid_leaves=0x${registers
          .filter((row) => (row.eax | row.ebx | row.ecx | row.edx) !== 0)
          .length.toString(16)}`,
        ...registers.flatMap(({ leaf, subleaf, ...values }) =>
          (['eax', 'ebx', 'ecx', 'edx'] as const).map(
            (register) =>
              `x86.processor[0x${number}].cpuid.subleaf_eax[0x${leaf.toString(16)}].ecx[0x${subleaf.toString(16)}].${register}=0x${values[register].toString(16)}`,
          ),
        ),
        `x86.processor[0x${number}].xgetbv.ecx[0x0]=0x207`,
      ])
      .join('\n')
      .concat('\n'),
  ],
  [flagList, `${/Flags:\s+(.*)/.exec(dumpText('haswell-guest-2-cpus.lscpu'))?.[1]}\n`],
  [flagList, 'fpu,tsc,cx8,cmov,mmx,fxsr,sse,sse2,pni,xsave,avx,avx2,bmi2,syscall,lm\n'],
  [
    xen,
    'hw_caps                : 178bf3ff:76f8320b:2e500800:244037ff:0000000f:219c91a9:00400004:00000500\nxen_version            : 4.17.5\n',
  ],
  [
    xen,
    'vendor          : GenuineIntel\nfamily          : 6\nfeatures_hvm    : 1fcbfbff-f7fa3223-2d93fbff-00000523-0000000f-f1bf07ab-00000000-00000100\n',
  ],
  [qemuCpu, '-cpu Haswell-v4,+pku,-aes,enforce\n'],
  [
    kernelLog,
    "x86/fpu: xstate_offset[2]:  576, xstate_sizes[2]:  256\nx86/fpu: Enabled xstate features 0x7, context size is 832 bytes, using 'standard' format.\n",
  ],
  [
    crac,
    "openjdk 21.0.6 2025-01-21 LTS\nThis machine's CPU features are: -XX:CPUFeatures=0x21801fdfbd7,0x3e6\n",
  ],
];

/** What every host has to keep, whoever made it. */
function checkHost(host: Host): void {
  const seen = describeHost(host);
  const logical = host.cpus.flatMap((cpu) => cpu.logical);
  expect(seen.logicalCpus).toBe(logical.length);
  expect(new Set(logical).size).toBe(logical.length);
  for (const { leaves } of host.cpus)
    for (const row of leaves.rows)
      for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const) {
        const known = row.known?.[register] ?? ALL_KNOWN;
        const value = row[register];
        if (!(value >= 0 && value <= ALL_KNOWN && Number.isInteger(value)))
          throw new Error(`${register} of leaf ${row.leaf} is ${value}`);
        if ((BigInt(value) & ~BigInt(known)) !== 0n)
          throw new Error(`${register} of leaf ${row.leaf} has a bit that isn't known`);
      }
}

function check(format: Format, text: string | Uint8Array): 'read' | 'refused' {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  const input = openInput('input', bytes);
  const spent = cpuTimer();
  try {
    format.recognise(input);
    const host = format.read(input);
    checkHost(host);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may reach a terminal.
    expect(host.remarks.join('')).not.toMatch(/[\x00-\x1f\x7f-\xff]/);
    try {
      format.write?.(host);
    } catch (error) {
      if (!isInputError(error)) throw error;
      expect(error.code).toBe('not-enough-data');
    }
    return 'read';
  } catch (error) {
    if (!isInputError(error)) throw error;
    expect(error.place.file).toBe('input');
    const said = describeInputError(error);
    expect(said.length).toBeLessThan(500);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above, but for our line break.
    expect(said).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    return 'refused';
  } finally {
    expect(spent()).toBeLessThan(TOO_LONG);
  }
}

const piece = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom(
    '\n',
    '\r\n',
    '\t',
    ' ',
    ':',
    '-',
    '0',
    'F',
    '-1',
    '99999999999',
    'CPU 8191:\n',
    'CPU 9:\n',
    '\nprocessor : 7\n',
    '\nflags : sse\n',
    '\nCPUID 00000000: 00000000-00000000-00000000-00000000\n',
    ' [SL FF]',
    '_____ Logical CPU #3 _____\n',
    `\n${'-'.repeat(80)}\n`,
    '\0',
    '\u00ff',
  ),
);
const edit = fc.tuple(fc.nat(), fc.oneof(fc.constant(0), fc.nat(60)), piece);

function damaged(text: string, edits: readonly (readonly [number, number, string])[]): string {
  let result = text;
  for (const [place, gone, instead] of edits) {
    const at = place % (result.length + 1);
    result = result.slice(0, at) + instead + result.slice(at + gone);
  }
  return result;
}

describe.each(
  TEXTS.map(([format, text], place) => [`${format.name} (${place})`, format, text] as const),
)('%s', (_, format, text) => {
  it('reads the text as it is', () => {
    expect(check(format, text)).toBe('read');
  });
  it('survives small damage, and some of it is refused', () => {
    const outcomes = { read: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
        outcomes[check(format, damaged(text, edits))]++;
      }),
      // Of a short text nearly every damage is refused, or nearly none.
      { numRuns: text.length < 1000 ? 1500 : 300 },
    );
    expect(outcomes.read).toBeGreaterThan(0);
    expect(outcomes.refused).toBeGreaterThan(0);
  });
  it('survives every cut, and never finds more in a part than in the whole', () => {
    const whole = describeHost(format.read(openInput('whole', Buffer.from(text, 'latin1'))));
    for (let end = 0; end < text.length; end += 7) {
      const part = text.slice(0, end);
      if (check(format, part) === 'refused') continue;
      const seen = describeHost(format.read(openInput('part', Buffer.from(part, 'latin1'))));
      for (const feature of ['sse2', 'avx', 'avx2', 'bmi2', 'xsaveopt', 'pku', 'lm'] as const)
        if (seen.effective(feature) !== 1)
          expect([end, feature, seen.effective(feature)]).toEqual([
            end,
            feature,
            whole.effective(feature),
          ]);
    }
  });
  it('survives bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(), (bytes, place) => {
        const at = place % text.length;
        const noise = Buffer.from(bytes).toString('latin1');
        check(format, noise);
        check(format, text.slice(0, at) + noise + text.slice(at));
      }),
      { numRuns: 100 },
    );
  });
});

const SIZE = 30 * 1024 * 1024;
const FORMATS: readonly Format[] = [
  cpuidRaw,
  instlatx64,
  libcpuid,
  procCpuinfo,
  lscpu,
  ldDiagnostics,
  crac,
  flagList,
  xen,
  qemuCpu,
  kernelLog,
];
const ANY_JUNK: readonly (readonly [string, string])[] = [
  ['empty lines', '\n'],
  ['lines of one letter', 'x\n'],
  ['one line of blanks', ' '],
  ['one line of hyphens', '-'],
  ['zero bytes', '\0'],
];
/** What gets deeper into a reader than other junk. */
const OWN_JUNK: readonly (readonly [Format, string, string])[] = [
  [cpuidRaw, 'beginnings of leaves', '   0'],
  [cpuidRaw, 'headers of nothing', 'CPU \n'],
  [instlatx64, 'text like "CPUID Manufacturer"', 'CPUID x\n'],
  [instlatx64, 'one CPU of one leaf', 'CPUID 00000000: 00000000-00000000-00000000-00000000\n'],
  [libcpuid, 'elements without a number', 'basic_cpuid\n'],
  [libcpuid, 'headers without a number', '_____ Logical CPU #\n'],
  [libcpuid, 'one line of underscores', '_'],
  [procCpuinfo, 'lines of colons', 'a:\n'],
  [procCpuinfo, 'one line of flags', 'flags : sse '],
  [procCpuinfo, 'the same flags again and again', 'flags\t: sse2\n'],
  [procCpuinfo, 'one flag without an end', 'flags:'],
  [lscpu, 'lines of flags', 'Flags: fpu sse\n'],
  [lscpu, 'fields without data', 'Model:\n'],
  [lscpu, 'entries without end', '{"lscpu":[{"field":"Flags:","data":"fpu"},'],
  [ldDiagnostics, 'names without values', 'x86.cpu_features.features[0x1].cpuid[0x0]=\n'],
  [ldDiagnostics, 'processors without leaves', 'x86.processor[0x0].requested=0x0\n'],
  [ldDiagnostics, 'one name', 'x86.processor['],
  [crac, 'options without numbers', '-XX:CPUFeatures='],
  [crac, 'numbers of one machine', "this machine's CPU features are 0x200000080d7,0x0\n"],
  [crac, 'releases', 'openjdk 17 '],
  [flagList, 'one flag', 'fpu tsc '],
  [flagList, 'commas', 'sse2,'],
  [xen, 'words of features', 'hw_caps : 178bf3ff:76f8320b\n'],
  [xen, 'fields of xe', 'features_hvm: 00000001-'],
  [qemuCpu, 'options', ' -cpu Haswell-v4,+pku'],
  [kernelLog, 'places', 'x86/fpu: xstate_offset[2]:  576, xstate_sizes[2]:  256 '],
];
const junk = [
  ...FORMATS.flatMap((format) =>
    ANY_JUNK.map(([what, text]) => [format.name, what, format, text] as const),
  ),
  ...OWN_JUNK.map(([format, what, text]) => [format.name, what, format, text] as const),
];

describe('30 MB of junk', () => {
  it.each(junk)('for %s, %s: read or refused at once', (_name, _what, format, text) => {
    check(format, Buffer.alloc(SIZE, text, 'latin1'));
  });
});
