/**
 * CPUID dumps as InstLatX64 and AIDA64 write them:
 *
 *     CPUID 0000000D: 00000007-00000340-00000340-00000000 [SL 00]
 *
 * registers in the order EAX EBX ECX EDX. Tools of twenty years differ in separators, headers and
 * comments, and the older ones wrote no subleaf numbers. Every logical CPU begins with leaf 0,
 * whatever header stands before it. MSR lines look alike and aren't leaves.
 */
import type { Host } from '../model/host.js';
import { hex, type Registers } from '../model/registers.js';
import { DumpBuilder } from './dump-builder.js';
import { type Format, type Input, malformed } from './format.js';
import { forEachLine, hexDigit, readRegisterDigits } from './text-dump.js';
import { numberSubleaves } from './untagged-subleaves.js';

const PREFIX = 'CPUID ';
const LEAF_AT = PREFIX.length;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const HYPHEN = 45;

interface LeafLine extends Registers {
  readonly leaf: number;
  /** Undefined: the line carries no "[SL nn]". */
  readonly subleaf: number | undefined;
}

/** How many hex digits stand there. */
function countDigits(text: string, at: number, end: number): number {
  let count = 0;
  while (count < 9 && at + count < end && hexDigit(text, at + count) >= 0) count++;
  return count;
}

/**
 * Whether a line that begins with "CPUID " gives a leaf; "CPUID Manufacturer" and "CPUID CPU Name"
 * don't. Digits that reach the line's end are a leaf that was cut off.
 */
function isLeafLine(text: string, start: number, end: number): boolean {
  const digits = countDigits(text, start + LEAF_AT, end);
  return digits === 8 || (digits > 0 && start + LEAF_AT + digits === end);
}

/** Past blanks and, at most once, a colon. */
function skipSeparator(text: string, at: number, end: number): number {
  let place = at;
  let colons = 0;
  for (; place < end; place++) {
    const code = text.charCodeAt(place);
    if (code === COLON && colons === 0) colons++;
    else if (code !== SPACE && code !== TAB) break;
  }
  return place;
}

/** "[SL 1F]" after the registers, perhaps after blanks; hex. */
function readTag(text: string, at: number, end: number): number | undefined {
  let place = at;
  while (place < end && text.charCodeAt(place) === SPACE) place++;
  if (!text.startsWith('[SL ', place)) return undefined;
  place += 4;
  const digits = countDigits(text, place, end);
  if (digits === 0 || digits > 8 || text[place + digits] !== ']') return undefined;
  return Number.parseInt(text.slice(place, place + digits), 16);
}

const REMEDY =
  'Expected "CPUID 00000007: 00000000-00000000-00000000-00000000", eight hex digits each; take the dump again.';

function readLine(input: Input, text: string, start: number, end: number, line: number): LeafLine {
  const fail = (what: string) => malformed(input, what, { line }, REMEDY);
  const leaf = readRegisterDigits(text, start + LEAF_AT);
  let at = skipSeparator(text, start + LEAF_AT + 8, end);
  if (leaf < 0 || at === start + LEAF_AT + 8) throw fail('is not a complete leaf');
  const values: number[] = [];
  for (let register = 0; register < 4; register++) {
    const value = at + 8 <= end ? readRegisterDigits(text, at) : -1;
    if (value < 0) throw fail(`leaf ${hex(leaf)} does not have four registers`);
    values.push(value);
    at += 8;
    const code = at < end ? text.charCodeAt(at) : SPACE;
    if (code !== HYPHEN && code !== SPACE && code !== TAB)
      throw fail(`leaf ${hex(leaf)} has a register that isn't of eight hex digits`);
    if (register < 3) at++;
  }
  const [eax, ebx, ecx, edx] = values as [number, number, number, number];
  return { leaf, subleaf: readTag(text, at, end), eax, ebx, ecx, edx };
}

/** The lines of the CPU at hand that carry no subleaf, by leaf. */
class UntaggedLines {
  readonly #lines = new Map<number, Registers[]>();

  add(line: LeafLine): void {
    const lines = this.#lines.get(line.leaf);
    if (lines === undefined) this.#lines.set(line.leaf, [line]);
    else lines.push(line);
  }

  moveTo(builder: DumpBuilder, tagged: ReadonlySet<number>, line: number): void {
    for (const [leaf, lines] of this.#lines) {
      // Where other lines of the leaf have numbers, one without stands for subleaf 0.
      const numbers = tagged.has(leaf) ? lines.map(() => 0) : numberSubleaves(leaf, lines);
      let left = 0;
      for (const [place, subleaf] of numbers.entries()) {
        if (subleaf === undefined) left++;
        else {
          const { eax, ebx, ecx, edx } = lines[place] as Registers;
          builder.add({ leaf, subleaf, eax, ebx, ecx, edx }, line);
        }
      }
      if (left > 0)
        builder.remark(
          `Leaf ${hex(leaf)} has lines without a subleaf number (${left}) that can't be told apart; they count as unknown.`,
        );
    }
    this.#lines.clear();
  }
}

/** The logical CPUs of lines of this kind; `end` cuts off what follows the dump. */
export function readCpuidLines(input: Input, text: string): Pick<Host, 'cpus' | 'remarks'> {
  const builder = new DumpBuilder(input);
  const untagged = new UntaggedLines();
  const tagged = new Set<number>();
  let last = 1;
  forEachLine(text, (start, end, line) => {
    if (!text.startsWith(PREFIX, start) || !isLeafLine(text, start, end)) return;
    last = line;
    const leafLine = readLine(input, text, start, end, line);
    const { leaf, subleaf } = leafLine;
    if (leaf === 0 && (subleaf ?? 0) === 0) {
      untagged.moveTo(builder, tagged, line);
      tagged.clear();
      builder.startCpu(builder.cpuCount, line);
    } else if (!builder.started)
      throw malformed(
        input,
        `leaf ${hex(leaf)} comes before leaf 0, which begins every CPU`,
        { line },
        'The start of the dump seems to be missing; give the whole file.',
      );
    if (subleaf === undefined) untagged.add(leafLine);
    else {
      tagged.add(leaf);
      const { eax, ebx, ecx, edx } = leafLine;
      builder.add({ leaf, subleaf, eax, ebx, ecx, edx }, line);
    }
  });
  untagged.moveTo(builder, tagged, last);
  return builder.finish();
}

export const instlatx64: Format = {
  name: 'instlatx64',
  title: 'CPUID dump of InstLatX64 or AIDA64',
  recognise: (input) =>
    /^CPUID [0-9a-f]{8}[ \t]{0,4}:?[ \t]{0,4}[0-9a-f]{8}[- ]/im.test(input.head),
  read: (input) => ({
    name: input.name,
    format: 'instlatx64',
    kind: 'cpu',
    ...readCpuidLines(input, input.text()),
  }),
};
