/** Dumps: the files that their tasks have mapped, and what the tasks were shown before. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { link } from '../audit/program.js';
import { EXECUTE, filesImage, writeBelow, writeDump } from '../enforce/dumped-code.js';
import { cpugate, isPlainFailure } from './run.js';

const fixtures = fileURLToPath(new URL('../fixtures/images/', import.meta.url));
const schema = new Ajv2020({ allowUnionTypes: true }).compile(
  JSON.parse(
    readFileSync(new URL('../../schemas/audit-report.schema.json', import.meta.url), 'utf8'),
  ),
);

const wide = { name: 'wide', code: 'c5fdfec0 c3' };
const PROGRAMS = {
  plain: link({ pieces: [{ name: 'start', code: 'c3' }] }),
  needs: link({ pieces: [{ name: 'start', code: 'e8 =wide c3' }, wide] }),
  asks: link({ pieces: [{ name: 'start', code: '0fa2 f6c320 7405 e8 =wide c3' }, wide] }),
} as const;

let folder = '';
const images = () => join(folder, 'images');
const root = () => join(folder, 'root');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-audit-'));
  mkdirSync(root());
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A real dump whose program and libraries (numbers 1, 2 and 3) are others, which lie below the root. */
function take(fixture: string, program: keyof typeof PROGRAMS): void {
  cpSync(join(fixtures, fixture), images(), { recursive: true });
  const names = [program, 'plain', 'plain'] as const;
  const files = names.map((name, place) => ({
    id: place + 1,
    path: `/bin/${name}`,
    size: PROGRAMS[name].length,
  }));
  writeFileSync(join(images(), 'files.img'), filesImage(files));
  for (const name of names) writeBelow(root(), `/bin/${name}`, PROGRAMS[name]);
}

function report(...args: string[]) {
  const { status, out, err } = cpugate(['audit', ...args, '--json']);
  expect(err).toBe('');
  const json = JSON.parse(out);
  expect(schema(json), JSON.stringify(schema.errors)).toBe(true);
  const findings: { code: string; severity: string; feature?: string }[] = json.findings;
  return {
    status,
    json,
    found: findings.map(({ severity, code, feature }) =>
      [severity, code, feature].filter(Boolean).join(' '),
    ),
  };
}

describe('audit of a dump', () => {
  it.each<[string, string, keyof typeof PROGRAMS, string, number, string[]]>([
    // The Haswell has AVX2, and the tasks ran without a mask.
    ['chose', 'haswell', 'asks', 'x86-64-v2', 1, ['blocker code-chosen avx2']],
    ['chose what is there', 'haswell', 'asks', 'haswell', 0, []],
    ['had nothing to choose', 'nehalem', 'asks', 'x86-64-v2', 0, ['info code-chooses avx2']],
    ['needs', 'haswell', 'needs', 'x86-64-v2', 1, ['blocker code-needs avx2']],
    ['uses nothing', 'haswell', 'plain', 'x86-64-v2', 0, []],
  ])('whose program %s', (_, fixture, program, mask, status, expected) => {
    take(fixture, program);
    const { found, ...rest } = report(images(), '--root', root(), '--mask', mask);
    expect(found).toEqual(expected);
    expect(rest.status).toBe(status);
    const paths: string[] = rest.json.files.map((one: { path: string }) => one.path);
    expect(new Set(paths)).toEqual(new Set([`/bin/${program}`, '/bin/plain']));
  });

  it("that nothing tells the CPU of can't say what was chosen", () => {
    const size = PROGRAMS.asks.length;
    writeDump(images(), {
      files: [{ id: 1, path: '/bin/asks', size }],
      mappings: [{ start: 0x400000n, end: 0x401000n, prot: EXECUTE, file: 1 }],
    });
    writeBelow(root(), '/bin/asks', PROGRAMS.asks);
    const { status, found } = report(images(), '--root', root(), '--mask', 'x86-64-v2');
    expect(found).toEqual(['unknown code-chosen avx2']);
    expect(status).toBe(4);
  });

  it('names files that are missing below the root, and never says yes then', () => {
    cpSync(join(fixtures, 'haswell'), images(), { recursive: true });
    const { status, json } = report(images(), '--root', root(), '--mask', 'haswell');
    expect(status).toBe(3);
    expect(json.files).toEqual([]);
    const unread: { what: string; why: string }[] = json.unread;
    expect(unread.map(({ why }) => why)).toEqual(['missing', 'missing', 'missing']);
    expect(unread[1]?.what).toBe('/usr/lib/x86_64-linux-gnu/libc.so.6');
  });

  it('reads archives', () => {
    take('haswell', 'asks');
    const archive = join(folder, 'dump.tar');
    expect(spawnSync('tar', ['-cf', archive, '-C', images(), '.']).status).toBe(0);
    const { status, found } = report(archive, '--root', root(), '--mask', 'x86-64-v2');
    expect(found).toEqual(['blocker code-chosen avx2']);
    expect(status).toBe(1);
  });

  it('is for people, too', () => {
    take('haswell', 'asks');
    const args = ['audit', images(), '--root', root(), '--mask', 'x86-64-v2'];
    const { out } = cpugate(args);
    expect(out).toContain('may have chosen avx2: 1 function, first at wide+0x0');
    expect(out).toContain('The tasks were shown some of what is hidden, and have code for it.');
    expect(out).not.toContain('without asking the CPU');
    expect(out).not.toContain('only after asking');
    expect(cpugate([...args, '-v']).out).not.toContain('asks before');
  });
});

describe('audit of a dump refuses', () => {
  it.each<[string, () => string[], RegExp]>([
    [
      'a root without a dump',
      () => {
        writeBelow(root(), '/bin/plain', PROGRAMS.plain);
        return [join(root(), 'bin/plain'), '--root', root()];
      },
      /--root is about dumps, and none is given/,
    ],
    [
      'a root that is no folder',
      () => {
        take('haswell', 'plain');
        return [images(), '--root', join(root(), 'bin/plain')];
      },
      /is no folder/,
    ],
    [
      'a root that is not there',
      () => {
        take('haswell', 'plain');
        return [images(), '--root', join(folder, 'nothing')];
      },
      /no such file/,
    ],
    [
      'a record of a CPU alone',
      () => {
        mkdirSync(images());
        cpSync(join(fixtures, 'haswell', 'cpuinfo.img'), join(images(), 'cpuinfo.img'));
        return [images()];
      },
      /holds no tasks/,
    ],
    [
      'images that are cut off',
      () => {
        take('haswell', 'plain');
        const path = join(images(), 'mm-5001.img');
        writeFileSync(path, readFileSync(path).subarray(0, 40));
        return [images(), '--root', root()];
      },
      /mm-5001.img.*is cut off/,
    ],
  ])('%s', (_, args, message) => {
    const outcome = cpugate(['audit', ...args(), '--mask', 'x86-64-v2']);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toMatch(message);
  });
});
