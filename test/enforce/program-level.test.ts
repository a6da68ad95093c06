import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from '../../src/enforce/find-program.js';
import { neededLevel, scriptInterpreter } from '../../src/enforce/program-level.js';
import { elfInterpreter } from '../../src/probe/elf.js';
import { concatenate, elf, gnuNote, isaNeeded } from '../probe/elf.js';

const NT_GNU_PROPERTY_TYPE_0 = 5;

/** GNU_PROPERTY_X86_ISA_1_V2 is bit 1, V3 bit 2, V4 bit 3 (x86-64 psABI). */
const built = (bits: number) => elf({ notes: gnuNote(NT_GNU_PROPERTY_TYPE_0, ...isaNeeded(bits)) });

/** The same with PT_INTERP as the only header: a path behind it. */
function dynamic(loader: string): Uint8Array {
  return elf({ segment: 3, alignment: 1, notes: new TextEncoder().encode(`${loader}\0`) });
}

describe("a program's level", () => {
  let folder = '';
  const at = (name: string) => join(folder, name);
  const put = (name: string, content: string | Uint8Array) => {
    writeFileSync(at(name), content);
    chmodSync(at(name), 0o755);
    return at(name);
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-level-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is that of its own note', () => {
    expect(neededLevel(put('v3', built(0b111)))).toEqual({ level: 3, file: at('v3') });
  });

  it("is that of its loader's C library where that needs more", () => {
    put('libc.so.6', built(0b11));
    const loader = put('ld.so', elf({ notes: gnuNote(NT_GNU_PROPERTY_TYPE_0, ...isaNeeded(1)) }));
    symlinkSync(loader, at('ld-link.so'));
    expect(neededLevel(put('plain', dynamic(at('ld-link.so'))))).toEqual({
      level: 2,
      file: at('libc.so.6'),
    });
  });

  it("of a script is that of its interpreter's, over several scripts", () => {
    put('v4', built(0b1000));
    put('inner', `#! ${at('v4')} -x\n`);
    expect(neededLevel(put('outer', `#!${at('inner')}\n`))).toEqual({ level: 4, file: at('v4') });
  });

  it('is not known of what says nothing, scripts that run in a circle too', () => {
    put('circle', `#!${at('circle')}\n`);
    for (const file of [put('text', 'hello'), at('missing'), at('circle')])
      expect(neededLevel(file)).toBeUndefined();
  });

  it.each([
    ['#!/bin/sh\necho', '/bin/sh'],
    ['#!  /usr/bin/env python3\n', '/usr/bin/env'],
    ['#! relative\n', undefined],
    ['\x7fELF', undefined],
    ['', undefined],
  ])('first line %j', (text, expected) => {
    expect(scriptInterpreter(new TextEncoder().encode(text))).toBe(expected);
  });

  it('reads the loader of an ELF file, and of nothing else', () => {
    expect(elfInterpreter(dynamic('/lib64/ld-linux-x86-64.so.2'))).toBe(
      '/lib64/ld-linux-x86-64.so.2',
    );
    expect(elfInterpreter(built(1))).toBeUndefined();
    expect(elfInterpreter(concatenate(dynamic('/x').subarray(0, 100)))).toBeUndefined();
    expect(elfInterpreter(new Uint8Array())).toBeUndefined();
  });
});

describe('a command is found', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-path-'));
    writeFileSync(join(folder, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(folder, 'text'), '', { mode: 0o644 });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each<[string, () => [string, string | undefined], () => string | undefined]>([
    ['in PATH', () => ['tool', `/nowhere:${folder}`], () => join(folder, 'tool')],
    ['by its path', () => [join(folder, 'tool'), ''], () => join(folder, 'tool')],
    ['not where it may not be executed', () => ['text', folder], () => undefined],
    ['not where it is a folder', () => [folder, ''], () => undefined],
    ['not where there is none', () => ['cpugate-no-such', '/bin'], () => undefined],
    ['without PATH in /bin', () => ['sh', undefined], () => '/bin/sh'],
  ])('%s', (_, given, expected) => {
    expect(findProgram(...given())).toBe(expected());
  });
});
