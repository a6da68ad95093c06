import { describe, expect, it } from 'vitest';
import { libcpuid } from '../../src/formats/libcpuid.js';
import { describeHost, x86Level } from '../../src/model/capabilities.js';
import { findLeaf, type LeafRow, readRegister } from '../../src/model/leaves.js';
import {
  cpuidLine,
  dumpText,
  failureOf,
  hex8,
  linesOf,
  onlyCpu,
  readWith,
  recognises,
} from './dump-text.js';

const read = (text: string) => readWith(libcpuid, text);

const haswell = linesOf(dumpText('haswell-guest.cpuid-1-r'));

function element(name: string, index: number, row: LeafRow): string {
  const registers = [row.eax, row.ebx, row.ecx, row.edx].map(hex8).join(' ');
  return `${name}[${index}]=${registers}`;
}

/** What libcpuid would have saved of the guest: two ranges, and the caches. */
const ELEMENTS = haswell.flatMap((row) => {
  const { leaf, subleaf } = row;
  const lines: string[] = [];
  if (leaf < 32 && subleaf === 0) lines.push(element('basic_cpuid', leaf, row));
  if (leaf >= 0x80000000 && leaf < 0x80000020)
    lines.push(element('ext_cpuid', leaf - 0x80000000, row));
  if (leaf === 4) lines.push(element('intel_fn4', subleaf, row));
  if (leaf === 0xb) lines.push(element('intel_fn11', subleaf, row));
  return lines;
});
const DUMP = `${ELEMENTS.join('\n')}\n`;
const SAVED = haswell.filter(
  ({ leaf, subleaf }) =>
    leaf === 4 || leaf === 0xb || (subleaf === 0 && (leaf < 32 || leaf >>> 5 === 0x4000000)),
);
const EXPECTED_FIELDS = `${'-'.repeat(80)}\nx86\nx86-64-v3\ngeneral\n6\n12\nCore i7 (Haswell)\nfpu vme\n`;

describe('reading', () => {
  it('has the registers of cpuid -r where both ask', () => {
    const host = read(DUMP);
    expect(host).toMatchObject({ name: 'dump.txt', format: 'libcpuid', kind: 'cpu', remarks: [] });
    expect(onlyCpu(host).leaves.rows).toEqual(SAVED);
    expect(SAVED.length).toBeGreaterThan(25);
  });
  it.each([
    [
      'with a version and a header',
      `version=0.7.0\n_________________ Logical CPU #0 _________________\n${DUMP}`,
    ],
    ['up to the fields that a test expects', `${DUMP}${EXPECTED_FIELDS}`],
    ['with the line breaks of Windows', `${DUMP}${EXPECTED_FIELDS}`.replaceAll('\n', '\r\n')],
    ['without the last line break', DUMP.trimEnd()],
  ])('%s', (_, text) => {
    const host = read(text);
    expect(onlyCpu(host).leaves.rows).toEqual(SAVED);
    expect(host.remarks).toEqual([]);
  });
  it('tells features and level, and no place of a state component but those that never change', () => {
    const seen = describeHost(read(DUMP));
    expect(x86Level(seen).level).toBe('x86-64-v3');
    expect(readRegister(onlyCpu(read(DUMP)).leaves, 0xd, 1, 'eax').known).toBe(0);
    expect(seen.effective('xsaveopt')).toBe(1);
    expect(seen.xsave.areaBytes).toBe(832);
  });
  it('reads the CPUs of newer dumps', () => {
    const header = (n: number) => `_________________ Logical CPU #${n} _________________\n`;
    const other = DUMP.replace('000003a9', '00000389');
    const host = read(header(0) + DUMP + header(1) + DUMP + header(2) + other);
    expect(host.cpus.map((cpu) => cpu.logical)).toEqual([[0, 1], [2]]);
    expect(describeHost(host).differences).toContainEqual({
      what: 'avx2',
      having: [0, 1],
      others: [2],
    });
  });
  // The leaf of each array: comments of libcpuid.h at struct cpu_raw_data_t.
  it.each([
    ['basic_cpuid[13]', 0xd, 0],
    ['ext_cpuid[8]', 0x80000008, 0],
    ['intel_fn4[3]', 0x4, 3],
    ['intel_fn11[1]', 0xb, 1],
    ['intel_fn12h[2]', 0x12, 2],
    ['intel_fn14h[1]', 0x14, 1],
    ['amd_fn8000001dh[3]', 0x8000001d, 3],
    ['amd_fn80000026h[2]', 0x80000026, 2],
  ])('%s is leaf %i.%i', (name, leaf, subleaf) => {
    const text = `${name}=00000011 00000022 00000033 00000044\n`;
    expect(findLeaf(onlyCpu(read(text)).leaves, leaf, subleaf)).toEqual({
      leaf,
      subleaf,
      eax: 0x11,
      ebx: 0x22,
      ecx: 0x33,
      edx: 0x44,
    });
  });
  it('passes over arrays of versions to come', () => {
    const host = read(`${DUMP}intel_fn99h[0]=00000001 00000001 00000001 00000001\n`);
    expect(onlyCpu(host).leaves.rows).toEqual(SAVED);
    expect(host.remarks).toEqual(['The unknown entry "intel_fn99h" is ignored.']);
  });
  it('reads the lines of AIDA64 that its tests hold too', () => {
    const lines = haswell.map((row) => cpuidLine(row)).join('\n');
    const host = read(`------[ Logical CPU #0 ]------\n${lines}\n${EXPECTED_FIELDS}`);
    expect(host.format).toBe('libcpuid');
    expect(onlyCpu(host).leaves.rows).toEqual(haswell);
  });
  it('stops at the fields that are expected', () => {
    expect(onlyCpu(read(`${DUMP}${EXPECTED_FIELDS}basic_cpuid[9]=cut`)).leaves.rows).toEqual(SAVED);
  });
});

describe('refusing', () => {
  const LINE = 'basic_cpuid[7]=00000000 00000001 00000002 00000003';
  it.each([
    ['nothing', '', 'malformed', undefined],
    ['fields without a dump', EXPECTED_FIELDS, 'malformed', undefined],
    ['a version without a dump', 'version=0.7.0\n', 'malformed', undefined],
    ['a register cut off', `${DUMP}${LINE.slice(0, -3)}`, 'malformed', ELEMENTS.length + 1],
    ['a line cut in the index', 'basic_cpuid[7', 'malformed', 1],
    ['a line cut after the index', 'basic_cpuid[7]=', 'malformed', 1],
    ['a fifth register', `${LINE} 00000004`, 'malformed', 1],
    ['a digit that is none', LINE.replace('00000002', '0000000x'), 'malformed', 1],
    ['an index beyond any', LINE.replace('[7]', '[256]'), 'malformed', 1],
    ['an index below 0', LINE.replace('[7]', '[-1]'), 'malformed', 1],
    ['a CPU twice', `__________ Logical CPU #0 __________\n${LINE}\n`.repeat(2), 'malformed', 3],
    ['a CPU without leaves', `__________ Logical CPU #0 __________\n`, 'malformed', undefined],
    ['a CPU number beyond any', `__________ Logical CPU #8192 __________\n${LINE}`, 'too-large', 1],
    ['an ARM CPU', 'version=0.7.0\narm_midr=00000000410fd0b1\n', 'not-x86', 2],
  ])('%s', (_, text, code, line) => {
    const error = failureOf(libcpuid, text);
    expect(error.code).toBe(code);
    expect(error.place.file).toBe('dump.txt');
    expect(error.place.line).toBe(line);
    expect(error.remedy).toMatch(/\w+\.$/);
  });
});

describe('recognising', () => {
  it.each([
    ['its own', DUMP, true],
    ['with a version', `version=0.7.0\n${DUMP}`, true],
    ['with a header', '_________________ Logical CPU #0 _________________\n', true],
    ['cpuid -r', dumpText('haswell-guest.cpuid-1-r'), false],
    ['nothing', '', false],
  ])('%s', (_, text, expected) => {
    expect(recognises(libcpuid, text)).toBe(expected);
  });
});
