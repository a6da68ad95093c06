/**
 * Output of `cpuid -r` (Todd Allen's cpuid, which distributions package): a line "CPU 0:" for each
 * logical CPU ("CPU:" where only one was asked with -1), then a line for each leaf and subleaf.
 * `cpuid -f FILE` reads the same text.
 */
import { InputError } from '../model/errors.js';
import type { Cpu, Host } from '../model/host.js';
import { findLeaf, type LeafRow } from '../model/leaves.js';
import { mirrorsXcr0, withLiveXcr0, XCR0_LOST } from '../model/live-xcr0.js';
import { ALL_KNOWN, hex, hex32 } from '../model/registers.js';
import { DumpBuilder, describeLeaf } from './dump-builder.js';
import { type Format, type Input, malformed } from './format.js';
import { forEachLine } from './text-dump.js';

const HEADER = /^CPU(?: (\d{1,9}))?:\s{0,8}$/;
const LEAF =
  /^0x([0-9a-f]{8}) 0x([0-9a-f]{1,8}): eax=0x([0-9a-f]{8}) ebx=0x([0-9a-f]{8}) ecx=0x([0-9a-f]{8}) edx=0x([0-9a-f]{8})\s{0,8}$/i;

/** No line of the format is longer; a longer one isn't looked at whole. */
const LONGEST_LINE = 200;

/** Where the line's text begins; dumps that went through a mail or a forum lose the indent. */
function skipBlanks(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && (text[at] === ' ' || text[at] === '\t')) at++;
  return at;
}

function readLeaf(input: Input, text: string, line: number): LeafRow {
  const match = LEAF.exec(text);
  if (match === null)
    throw malformed(
      input,
      'is not a complete leaf',
      { line },
      'Expected "0x00000007 0x00: eax=0x… ebx=0x… ecx=0x… edx=0x…", eight hex digits each.',
    );
  const [leaf, subleaf, eax, ebx, ecx, edx] = match
    .slice(1)
    .map((digits) => Number.parseInt(digits, 16)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { leaf, subleaf, eax, ebx, ecx, edx };
}

function readCpuidRaw(input: Input): Host {
  const text = input.text();
  const builder = new DumpBuilder(input);
  let passedOver = 0;
  let firstPassedOver = 0;
  forEachLine(text, (start, end, line) => {
    const at = skipBlanks(text, start, end);
    if (at === end) return;
    const content = () => text.slice(at, Math.min(end, at + LONGEST_LINE));
    if (text.startsWith('0x', at)) {
      if (!builder.started) builder.startCpu(builder.cpuCount, line);
      builder.add(readLeaf(input, content(), line), line);
      return;
    }
    const header = text.startsWith('CPU', at) ? HEADER.exec(content()) : null;
    if (header !== null) builder.startCpu(Number(header[1] ?? 0), line);
    else if (passedOver++ === 0) firstPassedOver = line;
  });
  const { cpus, remarks } = builder.finish();
  // The tool runs on a live host.
  const live = cpus.map(withLiveXcr0);
  return {
    name: input.name,
    format: 'cpuid-raw',
    kind: 'cpu',
    cpus: live.map(({ cpu }) => cpu),
    remarks: [
      ...remarks,
      ...new Set(live.flatMap(({ remark }) => remark ?? [])),
      ...(passedOver === 0
        ? []
        : [
            `${passedOver} lines are not leaves and are ignored; the first is line ${firstPassedOver}.`,
          ]),
    ],
  };
}

function isWhole(row: LeafRow): boolean {
  return row.known === undefined || Object.values(row.known).every((known) => known === ALL_KNOWN);
}

function leafLine({ leaf, subleaf, eax, ebx, ecx, edx }: LeafRow): string {
  const number = subleaf.toString(16).padStart(2, '0');
  return `   ${hex32(leaf)} 0x${number}: eax=${hex32(eax)} ebx=${hex32(ebx)} ecx=${hex32(ecx)} edx=${hex32(edx)}\n`;
}

/** A dump states every bit: a row of which some are unknown would make them zeros. */
function checkWritable(host: Host, cpu: Cpu): void {
  for (const leaf of [0, 1]) {
    const row = findLeaf(cpu.leaves, leaf, 0);
    if (row !== undefined && isWhole(row)) continue;
    throw new InputError(
      'not-enough-data',
      `${row === undefined ? 'lacks' : 'has only a part of'} leaf ${hex(leaf)}, and a dump states every bit`,
      {
        place: { file: host.name },
        remedy: 'Take a dump on the host itself with "cpugate probe" or "cpuid -r".',
      },
    );
  }
}

function describeLosses(host: Host): string[] {
  const lost: string[] = [];
  const partial = new Set(
    host.cpus.flatMap(({ leaves }) =>
      leaves.rows
        .filter((row) => !isWhole(row))
        .map(({ leaf, subleaf }) => describeLeaf(leaf, subleaf)),
    ),
  );
  if (partial.size > 0)
    lost.push(`Left out, as not all of their bits are known: ${[...partial].join(', ')}.`);
  if (host.cpus.some((cpu) => !mirrorsXcr0(cpu))) lost.push(XCR0_LOST);
  if (host.system !== undefined) lost.push('What the OS adds: kernel, microcode, C library.');
  if (host.cpus.some((cpu) => cpu.logical.length > 1))
    lost.push('APIC ids: CPUs that answer alike are written with those of the first.');
  return lost;
}

function writeCpuidRaw(host: Host): { content: string; lost: readonly string[] } {
  const blocks: [number, string][] = [];
  for (const cpu of host.cpus) {
    checkWritable(host, cpu);
    const lines = cpu.leaves.rows.filter(isWhole).map(leafLine).join('');
    for (const number of cpu.logical) blocks.push([number, lines]);
  }
  blocks.sort(([a], [b]) => a - b);
  return {
    content: blocks.map(([number, lines]) => `CPU ${number}:\n${lines}`).join(''),
    lost: describeLosses(host),
  };
}

export const cpuidRaw: Format = {
  name: 'cpuid-raw',
  title: 'output of cpuid -r',
  recognise: (input) => /^[ \t]{0,16}0x[0-9a-f]{8} 0x[0-9a-f]{1,8}: eax=/im.test(input.head),
  read: readCpuidRaw,
  write: writeCpuidRaw,
};
