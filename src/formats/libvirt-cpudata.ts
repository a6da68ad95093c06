/**
 * libvirt's raw record of a CPU: <cpudata arch='x86'> with a <cpuid> element a leaf, as
 * `virsh` tests and libvirt's cpu-gather write it. MSRs are passed over.
 */
import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { groupCpus } from '../model/group-cpus.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { ALL_KNOWN, hex32 } from '../model/registers.js';
import { type Format, type Input, malformed } from './format.js';

const MOST_LEAVES = 4096;

const NUMBER = /^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i;

function numberOf(
  input: Input,
  tag: SaxesTagPlain,
  name: string,
  line: number,
): number | undefined {
  const text = tag.attributes[name];
  if (text === undefined) return undefined;
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!(value <= ALL_KNOWN))
    throw malformed(input, `${name} is no 32-bit number: ${JSON.stringify(text.slice(0, 40))}`, {
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
  // libvirt leaves out registers that are zero.
  return {
    leaf,
    subleaf,
    eax: number('eax') ?? 0,
    ebx: number('ebx') ?? 0,
    ecx: number('ecx') ?? 0,
    edx: number('edx') ?? 0,
  };
}

function wrongRoot(input: Input, name: string): Error {
  const shown = JSON.stringify(name.slice(0, 40));
  return malformed(
    input,
    `is XML with the root ${shown}, not <cpudata>`,
    {},
    'A <cpu> element names a model and no CPUID data; record the host with "cpugate probe", or give the cpudata file.',
  );
}

function read(input: Input): Host {
  const rows = new Map<string, LeafRow>();
  const remarks: string[] = [];
  let depth = 0;
  let complete = false;
  const parser = new SaxesParser<{ position: true; xmlns: false }>({
    position: true,
    xmlns: false,
  });
  parser.on('error', (error) => {
    throw malformed(input, `is not well-formed XML: ${error.message.slice(0, 120)}`, {
      line: parser.line,
    });
  });
  parser.on('doctype', () => {
    throw malformed(input, 'has a DOCTYPE, which no cpudata needs', { line: parser.line });
  });
  parser.on('opentag', (tag) => {
    depth++;
    if (depth === 1) {
      if (tag.name !== 'cpudata') throw wrongRoot(input, tag.name);
      const arch = tag.attributes.arch;
      if (arch !== undefined && arch !== 'x86')
        throw malformed(input, `is of another architecture: ${JSON.stringify(arch.slice(0, 40))}`);
      return;
    }
    if (tag.name !== 'cpuid') return;
    const row = readLeaf(input, tag, parser.line);
    const key = `${row.leaf}.${row.subleaf}`;
    const before = rows.get(key);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(row))
      throw malformed(input, `leaf 0x${row.leaf.toString(16)}.${row.subleaf} is there twice`, {
        line: parser.line,
      });
    rows.set(key, row);
    if (rows.size > MOST_LEAVES)
      throw malformed(input, `has more than ${MOST_LEAVES} leaves`, { line: parser.line });
  });
  parser.on('closetag', () => {
    depth--;
    complete ||= depth === 0;
  });
  parser.write(input.text()).close();
  if (!complete) throw malformed(input, 'ends before </cpudata>');
  if (rows.size === 0) throw malformed(input, 'holds no <cpuid> element');
  return {
    name: input.name,
    format: 'libvirt-cpudata',
    kind: 'cpu',
    cpus: groupCpus([{ logical: [0], leaves: leafTable(rows.values()) }]),
    remarks,
  };
}

function line(row: LeafRow): string {
  const subleaf = `0x${row.subleaf.toString(16).padStart(2, '0')}`;
  return (
    `  <cpuid eax_in='${hex32(row.leaf)}' ecx_in='${subleaf}' eax='${hex32(row.eax)}' ` +
    `ebx='${hex32(row.ebx)}' ecx='${hex32(row.ecx)}' edx='${hex32(row.edx)}'/>`
  );
}

function write(host: Host): { content: string; lost: string[] } {
  const first = host.cpus[0];
  const rows = first?.leaves.rows ?? [];
  const lost: string[] = [];
  if (host.cpus.length > 1) lost.push('all logical CPUs but the first of those that differ');
  if (rows.some((row) => row.known !== undefined))
    lost.push('which bits are not known: they stand as 0');
  if (first?.xcr0 !== undefined) lost.push('XCR0, and what else the OS enabled');
  return {
    content: ["<cpudata arch='x86'>", ...rows.map(line), '</cpudata>', ''].join('\n'),
    lost,
  };
}

export const libvirtCpudata: Format = {
  name: 'libvirt-cpudata',
  title: "libvirt's <cpudata>",
  recognise: ({ head }) => /^[\s\uFEFF\u00EF\u00BB\u00BF]*</.test(head),
  read,
  write,
};
