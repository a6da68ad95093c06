import { expect, test } from 'vitest';
import { findLibc, readAuxiliaryVector, readCpuinfo } from '../../src/probe/proc-files.js';

test('flags and microcode of /proc/cpuinfo', () => {
  const text = [
    'processor\t: 0',
    'microcode\t: 0x2b000590',
    'flags\t\t: fpu sse  avx2',
    'vmx flags\t: vnmi',
    'bugs\t\t: spectre_v1',
    '',
    'processor\t: 1',
    'microcode\t: 0x2b000590',
    'flags\t\t: fpu sse  avx2',
    '',
  ].join('\n');
  expect(readCpuinfo(text)).toEqual({
    flags: ['fpu', 'sse', 'avx2'],
    microcode: '0x2b000590',
    remarks: [],
  });
});

test('flags that only some CPUs have do not count, and it is said', () => {
  const cpu = (flags: string, microcode: string) =>
    `microcode\t: ${microcode}\nflags\t\t: ${flags}\n\n`;
  const facts = readCpuinfo(cpu('fpu avx512f sse', '0x1') + cpu('fpu sse', '0x2'));
  expect(facts.flags).toEqual(['fpu', 'sse']);
  expect(facts.microcode).toBe('0x1');
  expect(facts.remarks).toHaveLength(2);
});

test.each(['', 'flags', 'Processor : ARMv7\nFeatures : neon\n', ': : :\n'])(
  '/proc/cpuinfo without flags tells nothing: %j',
  (text) => {
    expect(readCpuinfo(text)).toEqual({ flags: undefined, microcode: undefined, remarks: [] });
  },
);

function auxiliaryVector(...pairs: readonly (readonly [bigint, bigint])[]): Uint8Array {
  const bytes = new Uint8Array(pairs.length * 16);
  const view = new DataView(bytes.buffer);
  pairs.forEach(([type, value], place) => {
    view.setBigUint64(place * 16, type, true);
    view.setBigUint64(place * 16 + 8, value, true);
  });
  return bytes;
}

test('the auxiliary vector ends at AT_NULL', () => {
  const bytes = auxiliaryVector(
    [33n, 0x7ffc0000n], // AT_SYSINFO_EHDR
    [51n, 3632n],
    [16n, 0xbfebfbffn],
    [0n, 0n],
    [26n, 2n],
  );
  expect(readAuxiliaryVector(bytes)).toEqual({ hwcap: 0xbfebfbffn, minSigStackBytes: 3632 });
});

test('an auxiliary vector that was cut tells what it holds', () => {
  const bytes = auxiliaryVector([16n, 1n], [26n, 2n]);
  expect(readAuxiliaryVector(bytes.subarray(0, 31))).toEqual({ hwcap: 1n });
  expect(readAuxiliaryVector(bytes.subarray(0, 15))).toEqual({});
});

const mapped = (path: string) =>
  `7f2c8a200000-7f2c8a226000 r--p 00000000 fe:00 1234                       ${path}\n`;

test.each([
  ['/lib/x86_64-linux-gnu/libc.so.6', '/lib/x86_64-linux-gnu/libc.so.6'],
  ['/usr/lib64/libc-2.28.so', '/usr/lib64/libc-2.28.so'],
  ['/opt/with space/libc.so.6', '/opt/with space/libc.so.6'],
  ['/lib/ld-musl-x86_64.so.1', undefined],
  ['/lib/x86_64-linux-gnu/libc.so.6 (deleted)', undefined],
  ['/usr/lib/libcrypt.so.6', undefined],
  ['[heap]', undefined],
])('the C library among mapped files: %s', (path, expected) => {
  expect(findLibc(mapped('/usr/bin/node') + mapped(path) + mapped('[stack]'))).toBe(expected);
});
