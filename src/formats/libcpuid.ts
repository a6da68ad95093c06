/**
 * Raw dumps of libcpuid (cpuid_tool --save): one array element a line, EAX EBX ECX EDX in hex.
 *
 *     _________________ Logical CPU #0 _________________
 *     basic_cpuid[7]=00000000 029c6fbf 00000000 00000000
 *
 * Leaf 0xD has only its subleaf 0 there, so that no XSAVE layout is known. libcpuid's test files
 * add a line of hyphens and what is expected behind it; some hold lines of AIDA64 instead.
 */
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { DumpBuilder } from './dump-builder.js';
import { type Format, type Input, malformed } from './format.js';
import { readCpuidLines } from './instlatx64.js';
import { forEachLine } from './text-dump.js';

/** Arrays of libcpuid's cpu_raw_data_t: the index is added to the leaf, or is the subleaf. */
const ARRAYS: ReadonlyMap<string, { leaf: number; index: 'leaf' | 'subleaf' }> = new Map([
  ['basic_cpuid', { leaf: 0, index: 'leaf' }],
  ['ext_cpuid', { leaf: 0x80000000, index: 'leaf' }],
  ['intel_fn4', { leaf: 0x4, index: 'subleaf' }],
  ['intel_fn11', { leaf: 0xb, index: 'subleaf' }],
  ['intel_fn12h', { leaf: 0x12, index: 'subleaf' }],
  ['intel_fn14h', { leaf: 0x14, index: 'subleaf' }],
  ['amd_fn8000001dh', { leaf: 0x8000001d, index: 'subleaf' }],
  ['amd_fn80000026h', { leaf: 0x80000026, index: 'subleaf' }],
]);

/** libcpuid's arrays have at most 32 elements. */
const LAST_INDEX = 255;

const HEADER = /^_{5,40} Logical CPU #(\d{1,9}) _{5,40}$/;
const ELEMENT_START = /^([a-z][a-z0-9_]{2,30})\[/;
const ELEMENT =
  /^[a-z0-9_]{3,31}\[(\d{1,9})\]=([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8})\s{0,8}$/i;
const LONGEST_LINE = 200;

/** What ends the dump in libcpuid's test files; the expected fields follow. */
const END = '-'.repeat(80);

function dumpOf(text: string): string {
  const end = text.startsWith(END) ? 0 : text.indexOf(`\n${END}`);
  return end === -1 ? text : text.slice(0, end);
}

function readElements(input: Input, text: string): Pick<Host, 'cpus' | 'remarks'> {
  const builder = new DumpBuilder(input);
  forEachLine(text, (start, end, line) => {
    const first = text.charCodeAt(start);
    // A lower-case letter or "_": all other lines tell nothing.
    if (first < 0x5f || first > 0x7a) return;
    const content = text.slice(start, Math.min(end, start + LONGEST_LINE));
    const header = HEADER.exec(content);
    if (header !== null) {
      builder.startCpu(Number(header[1]), line);
      return;
    }
    if (content.startsWith('arm_'))
      throw new InputError('not-x86', 'is the dump of an ARM CPU', {
        place: { file: input.name, line },
        remedy: 'Only x86 CPUs are compared.',
      });
    const name = ELEMENT_START.exec(content)?.[1];
    if (name === undefined) return;
    const element = ELEMENT.exec(content);
    const index = Number(element?.[1]);
    if (element === null || index > LAST_INDEX)
      throw malformed(
        input,
        'is not a complete leaf',
        { line, at: name },
        `Expected "${name}[0]=" and four registers of eight hex digits, the index up to ${LAST_INDEX}.`,
      );
    if (!builder.started) builder.startCpu(0, line);
    const array = ARRAYS.get(name);
    if (array === undefined) {
      builder.remark(`The unknown entry "${name}" is ignored.`);
      return;
    }
    const [eax, ebx, ecx, edx] = element.slice(2).map((digits) => Number.parseInt(digits, 16)) as [
      number,
      number,
      number,
      number,
    ];
    const leaf = array.index === 'leaf' ? array.leaf + index : array.leaf;
    builder.add({ leaf, subleaf: array.index === 'leaf' ? 0 : index, eax, ebx, ecx, edx }, line);
  });
  return builder.finish();
}

export const libcpuid: Format = {
  name: 'libcpuid',
  title: 'raw dump of libcpuid',
  recognise: (input) => /^(?:basic_cpuid\[|_{5,40} Logical CPU #)/m.test(input.head),
  read: (input) => {
    const text = dumpOf(input.text());
    const read = /^CPUID [0-9a-f]{8}/im.test(text) ? readCpuidLines : readElements;
    return { name: input.name, format: 'libcpuid', kind: 'cpu', ...read(input, text) };
  },
};
