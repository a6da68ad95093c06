/**
 * The supervisor's decoder against objdump: the length of every instruction of libraries of this machine.
 * CPUGATE_DECODE_FILES names others, with spaces between.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isHere } from '../export/tools.js';
import { compilerIsHere } from './sanitized.js';

const native = fileURLToPath(new URL('../../native/supervisor', import.meta.url));
const USUAL = ['/lib64/ld-linux-x86-64.so.2', '/lib/x86_64-linux-gnu/libc.so.6'];
const FILES = (process.env.CPUGATE_DECODE_FILES?.split(' ') ?? USUAL).filter(existsSync);

/** Not an instruction, or one that objdump splits or joins: prefixes alone, FWAIT with what follows. */
const NONE =
  /\(bad\)|^\.byte|^(?:data16|rex[.A-Z]*|repn?z?|lock|[c-gs]s|addr32|bnd|notrack|xacquire|xrelease)\s*$/;
/** Vendors read an operand size prefix of near branches differently; objdump as AMD does. */
const AMBIGUOUS = /^66(?:e8|e9|0f8)/;

/** Of objdump, an instruction each: hexadecimal digits. */
async function instructionsOf(file: string): Promise<Set<string>> {
  const args = ['-d', '-w', '--insn-width=16', file];
  const child = spawn('objdump', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const found = new Set<string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [, bytes = '', text = ''] = line.split('\t');
    const digits = bytes.replaceAll(' ', '');
    const isJoined = digits.startsWith('9b') && digits.length > 2;
    if (text !== '' && !NONE.test(text) && !AMBIGUOUS.test(digits) && !isJoined) found.add(digits);
  }
  return found;
}

describe.skipIf(!compilerIsHere || !isHere('objdump', '--version'))('the decoder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-decode-'));
  const program = join(folder, 'decode');
  beforeAll(() => {
    const sources = ['decode_test.cc', 'decode.cc'].map((name) => join(native, name));
    execFileSync(process.env.CXX ?? 'g++', ['-std=c++20', '-O2', '-o', program, ...sources]);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(FILES)(
    'agrees with objdump about %s',
    async (file) => {
      const instructions = await instructionsOf(file);
      expect(instructions.size).toBeGreaterThan(1000);
      const { stdout } = spawnSync(program, ['-'], {
        input: [...instructions].join('\n'),
        encoding: 'utf8',
      });
      expect(stdout).toMatch(/^(\d+) passed, 0 failed$/m);
      const passed = Number(/^(\d+) passed/m.exec(stdout)?.[1]);
      expect(passed).toBeGreaterThan(instructions.size);
    },
    600_000,
  );
});
