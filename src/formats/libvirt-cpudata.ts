/**
 * libvirt's raw record of a CPU: <cpudata arch='x86'> with a <cpuid> element a leaf, as its
 * cpu-gather.py records hosts for its tests (tests/cputestdata). MSRs are passed over.
 */
import type { SaxesTagPlain } from 'saxes';
import { describeHost } from '../model/capabilities.js';
import { InputError } from '../model/errors.js';
import type { Cpu, Host } from '../model/host.js';
import { findLeaf, type LeafRow, leafTable } from '../model/leaves.js';
import { type LiveCpu, mirrorsXcr0, withLiveXcr0, XCR0_LOST } from '../model/live-xcr0.js';
import { ALL_KNOWN, hex, hex32, type Register } from '../model/registers.js';
import { type Format, type Input, malformed } from './format.js';
import { libvirtCpu } from './libvirt-cpu.js';
import { attribute, isXml, parseXml, shown } from './xml.js';

const MOST_LEAVES = 4096;

const NUMBER = /^(?:0x[0-9a-f]{1,8}|[0-9]{1,10})$/i;

function numberOf(
  input: Input,
  tag: SaxesTagPlain,
  name: string,
  line: number,
): number | undefined {
  const text = attribute(tag, name);
  if (text === undefined) return undefined;
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!(value <= ALL_KNOWN))
    throw malformed(input, `${name} is not a 32-bit number: ${shown(text)}`, {
      line,
      at: '<cpuid>',
    });
  return value;
}

function readLeaf(input: Input, tag: SaxesTagPlain, line: number): LeafRow {
  const number = (name: string) => numberOf(input, tag, name, line);
  const leaf = number('eax_in');
  if (leaf === undefined) throw malformed(input, 'lacks eax_in', { line, at: '<cpuid>' });
  const subleaf = number('ecx_in') ?? 0;
  if (subleaf > 0xffff)
    throw malformed(input, 'ecx_in is larger than any subleaf', { line, at: '<cpuid>' });
  // libvirt takes a register that is left out for zero (virCPUx86DataParse).
  const register = (name: Register) => number(name) ?? 0;
  return {
    leaf,
    subleaf,
    eax: register('eax'),
    ebx: register('ebx'),
    ecx: register('ecx'),
    edx: register('edx'),
  };
}

function wrongRoot(input: Input, name: string, line: number): InputError {
  return malformed(
    input,
    `is XML with the root ${shown(name)}, which is none of libvirt's that tell of a CPU`,
    { line },
    'Read are <cpudata>, <capabilities>, <domainCapabilities>, <domain> and <cpu>.',
  );
}

/** Takes what the parser finds; knows how deep it is. */
class Reader {
  readonly rows = new Map<string, LeafRow>();
  msrs = 0;
  isComplete = false;
  readonly #input: Input;
  #depth = 0;

  constructor(input: Input) {
    this.#input = input;
  }

  open(tag: SaxesTagPlain, line: number): void {
    this.#depth++;
    if (this.#depth === 1) this.#openRoot(tag, line);
    else if (this.#depth > 2)
      throw malformed(this.#input, `has ${shown(tag.name)} inside another element`, { line });
    else if (tag.name === 'cpuid') this.#addLeaf(readLeaf(this.#input, tag, line), line);
    else if (tag.name === 'msr') this.msrs++;
    else throw malformed(this.#input, `has an element ${shown(tag.name)}`, { line });
  }

  close(): void {
    this.#depth--;
    this.isComplete ||= this.#depth === 0;
  }

  #openRoot(tag: SaxesTagPlain, line: number): void {
    if (tag.name !== 'cpudata') throw wrongRoot(this.#input, tag.name, line);
    const arch = attribute(tag, 'arch');
    if (arch !== undefined && !['x86', 'x86_64', 'i686'].includes(arch))
      throw new InputError('not-x86', `is of another architecture: ${shown(arch)}`, {
        place: { file: this.#input.name, line },
        remedy: 'Only x86 CPUs are compared.',
      });
  }

  #addLeaf(row: LeafRow, line: number): void {
    const key = `${hex(row.leaf)}.${row.subleaf}`;
    const before = this.rows.get(key);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(row))
      throw malformed(this.#input, `leaf ${key} is there twice, with different values`, { line });
    this.rows.set(key, row);
    if (this.rows.size > MOST_LEAVES)
      throw malformed(this.#input, `has more than ${MOST_LEAVES} leaves`, { line });
  }
}

function parse(input: Input): Reader {
  const reader = new Reader(input);
  parseXml(input, 'cpudata', reader);
  return reader;
}

function isLive({ leaves }: Cpu): boolean {
  return findLeaf(leaves, 0xd, 0) !== undefined;
}

function read(input: Input): Host {
  const { rows, msrs, isComplete } = parse(input);
  if (!isComplete) throw malformed(input, 'ends before </cpudata>');
  if (rows.size === 0) throw malformed(input, 'holds no <cpuid> element');
  const recorded: Cpu = { logical: [0], leaves: leafTable(rows.values()) };
  // A record of a live host. libvirt writes what guests can have in the same form, which never has
  // OSXSAVE and leaves leaf 0xD out.
  const { cpu, remark }: LiveCpu = isLive(recorded) ? withLiveXcr0(recorded) : { cpu: recorded };
  return {
    name: input.name,
    format: 'libvirt-cpudata',
    kind: 'cpu',
    cpus: [cpu],
    remarks: [
      ...(remark === undefined ? [] : [remark]),
      ...(msrs === 0 ? [] : [`MSRs are ignored (${msrs}).`]),
    ],
  };
}

function isWhole(row: LeafRow): boolean {
  return row.known === undefined || Object.values(row.known).every((known) => known === ALL_KNOWN);
}

function line(row: LeafRow): string {
  const subleaf = `0x${row.subleaf.toString(16).padStart(2, '0')}`;
  return (
    `  <cpuid eax_in='${hex32(row.leaf)}' ecx_in='${subleaf}' eax='${hex32(row.eax)}' ` +
    `ebx='${hex32(row.ebx)}' ecx='${hex32(row.ecx)}' edx='${hex32(row.edx)}'/>\n`
  );
}

/** The record states every bit of one CPU: it can't hold what isn't known, nor CPUs that differ. */
function checkWritable(host: Host): void {
  const place = { file: host.name };
  const { leaves } = host.cpus[0] as Host['cpus'][number];
  const [vendor, features] = [0, 1].map((leaf) => findLeaf(leaves, leaf, 0));
  if (vendor === undefined || !isWhole(vendor) || (features !== undefined && !isWhole(features)))
    throw new InputError(
      'not-enough-data',
      'has only a part of leaves 0x0 and 0x1, and <cpudata> states every bit',
      { place, remedy: 'Take a dump on the host itself with "cpugate probe" or "cpuid -r".' },
    );
  const differences = describeHost(host).differences.map(({ what }) => what);
  if (differences.length > 0)
    throw new InputError(
      'cpus-differ',
      `has CPUs that differ (${differences.slice(0, 5).join(', ')}), and <cpudata> holds one`,
      { place, remedy: 'Use a format that holds them all: profile or cpuid-raw.' },
    );
}

/** libvirt puts the CPU's name there; two hyphens would end the comment. */
function comment(brand: string | undefined): string {
  return brand === undefined ? '' : `<!-- ${brand.replace(/-(?=-|$)/g, '- ')} -->\n`;
}

function write(host: Host): { content: string; lost: string[] } {
  checkWritable(host);
  const cpu = host.cpus[0] as Cpu;
  const { leaves } = cpu;
  const partial = leaves.rows.filter((row) => !isWhole(row));
  const lost: string[] = [];
  if (findLeaf(leaves, 1, 0) === undefined)
    lost.push("Leaf 0x1.0 isn't known; libvirt takes a leaf that is left out for zeros.");
  if (partial.length > 0)
    lost.push(
      `Left out, as not all of their bits are known: ${partial.map((row) => `leaf ${hex(row.leaf)}.${row.subleaf}`).join(', ')}.`,
    );
  if (!mirrorsXcr0(cpu)) lost.push(XCR0_LOST);
  if (host.system !== undefined) lost.push('What the OS adds: kernel, microcode, C library.');
  if (host.cpus.length > 1 || (host.cpus[0]?.logical.length ?? 0) > 1)
    lost.push('All logical CPUs but the first: the others offer tasks the same.');
  const content = [
    comment(describeHost(host).brand),
    "<cpudata arch='x86'>\n",
    ...leaves.rows.filter(isWhole).map(line),
    '</cpudata>\n',
  ].join('');
  return { content, lost };
}

export const libvirtCpudata: Format = {
  name: 'libvirt-cpudata',
  title: "libvirt's <cpudata>",
  // Of other documents it says what is read.
  recognise: (input) => isXml(input) && !libvirtCpu.recognise(input),
  read,
  write,
};
