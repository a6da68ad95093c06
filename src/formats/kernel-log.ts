/**
 * What the kernel's log says of the XSAVE area, at boot ("dmesg | grep x86/fpu"):
 *
 *     x86/fpu: Supporting XSAVE feature 0x004: 'AVX registers'
 *     x86/fpu: xstate_offset[2]:  576, xstate_sizes[2]:  256
 *     x86/fpu: Enabled xstate features 0x7, context size is 832 bytes, using 'standard' format.
 *
 * It tells XCR0 and sizes, which lists of flags leave out: beside one of those, in one text, it completes it.
 * Offsets and the size of the whole are those of the format that the kernel uses; of the compacted one they
 * say nothing of what programs see. Source: Linux arch/x86/kernel/fpu/xstate.c (4.10 and later).
 */
import { isLegacyState, LINUX_SUPERVISOR_STATE } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';
import { mergeRows, partOfRow } from '../model/from-features.js';
import type { Cpu, Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { ALL_KNOWN, ALL_KNOWN_64, hasBit64, hex } from '../model/registers.js';
import { type Format, type Input, malformed, openInput } from './format.js';

/** A log that somebody pasted beside a list; larger files hold something else. */
const MAX_BYTES = 4 * 1024 * 1024;
const LOG_LINE = /^[^\n]{0,200}?\bx86\/fpu: [^\n]{0,300}$/gm;
const ENABLED =
  /x86\/fpu: Enabled xstate features 0x([0-9a-f]{1,16}), context size is (\d{1,6}) bytes, using '(standard|compacted)' format/g;
const PLACE =
  /x86\/fpu: xstate_offset\[(\d{1,2})\]: {0,8}(\d{1,6}), xstate_sizes\[(\d{1,2})\]: {0,8}(\d{1,6})/g;

export interface KernelLog {
  readonly xcr0: bigint;
  readonly rows: readonly LeafRow[];
}

function fault(input: Input, message: string): InputError {
  return malformed(input, message, { at: 'x86/fpu' }, 'Give the lines of one boot, all of them.');
}

function readLog(input: Input, lines: string): KernelLog {
  const enabled = [...lines.matchAll(ENABLED)];
  const told = new Set(
    enabled.map(([, features, size, format]) => `${features} ${size} ${format}`),
  );
  const [first] = enabled;
  if (first === undefined)
    throw fault(input, 'has lines of x86/fpu without the one that says what is enabled');
  if (told.size > 1) throw fault(input, 'has lines of x86/fpu of more than one boot');
  const [, features = '0', size = '0', format] = first;
  const isStandard = format === 'standard';
  const xcr0 = BigInt(`0x${features}`) & ~LINUX_SUPERVISOR_STATE;
  const rows: LeafRow[] = isStandard
    ? [partOfRow(0xd, 0, { ebx: Number(size) }, { ebx: ALL_KNOWN })]
    : [];
  for (const [, bit = '', offset = '', again, bytes = ''] of lines.matchAll(PLACE)) {
    const component = Number(bit);
    if (bit !== again || component > 62 || !hasBit64(BigInt(`0x${features}`), component))
      throw fault(input, `has the place of component ${component}, which is not enabled`);
    if (isLegacyState(component)) continue;
    const known = { eax: ALL_KNOWN, ...(isStandard ? { ebx: ALL_KNOWN } : {}) };
    const values = { eax: Number(bytes), ...(isStandard ? { ebx: Number(offset) } : {}) };
    rows.push(partOfRow(0xd, component, values, known));
  }
  return { xcr0, rows: mergeRows(rows) };
}

/** The lines of the log taken out, line by line so that numbers stay; the same input where there are none. */
export function splitKernelLog(input: Input): { readonly rest: Input; readonly log?: KernelLog } {
  if (input.bytes.length > MAX_BYTES) return { rest: input };
  const text = input.text();
  if (!text.includes('x86/fpu: ')) return { rest: input };
  const lines: string[] = [];
  const rest = text.replace(LOG_LINE, (line) => {
    lines.push(line);
    return '';
  });
  if (lines.length === 0 || rest.trim() === '') return { rest: input };
  const bytes = Uint8Array.from(rest, (letter) => letter.charCodeAt(0));
  return {
    rest: { ...input, ...openInput(input.name, bytes, input.kernel) },
    log: readLog(input, lines.join('\n')),
  };
}

function withLog(input: Input, cpu: Cpu, { xcr0, rows }: KernelLog): Cpu {
  const told = cpu.xcr0 ?? { value: 0n, known: 0n };
  if ((told.value & told.known) !== (xcr0 & told.known))
    throw new InputError(
      'malformed',
      `says two things of the state that is enabled: the kernel's log ${hex(xcr0)}, the rest ${hex(told.value)}`,
      {
        place: { file: input.name },
        remedy: 'Give the texts of one host, taken since its last boot.',
      },
    );
  const leaves = leafTable(mergeRows([...cpu.leaves.rows, ...rows]));
  return { ...cpu, leaves, xcr0: { value: xcr0, known: ALL_KNOWN_64 } };
}

/** The host with what the log beside it tells. Throws InputError where the two contradict each other. */
export function completeByLog(input: Input, host: Host, log: KernelLog): Host {
  return {
    ...host,
    cpus: host.cpus.map((cpu) => withLog(input, cpu, log)),
    remarks: [...host.remarks, "What state is enabled is taken from the kernel's log beside it."],
  };
}

function read(input: Input): Host {
  const lines = input.text().match(LOG_LINE) ?? [];
  const { xcr0, rows } = readLog(input, lines.join('\n'));
  return {
    name: input.name,
    format: 'kernel-log',
    kind: 'system',
    cpus: [{ logical: [0], leaves: leafTable(rows), xcr0: { value: xcr0, known: ALL_KNOWN_64 } }],
    remarks: [
      'The kernel\'s log tells what state is enabled and nothing of instructions; put the output of "lscpu" beside it, in one file.',
    ],
  };
}

export const kernelLog: Format = {
  name: 'kernel-log',
  title: "the kernel's log of the XSAVE area (x86/fpu)",
  recognise: ({ head }) => /\bx86\/fpu: /.test(head),
  read,
};
