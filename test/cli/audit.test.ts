import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOfProcess } from '../../src/enforce/code-files.js';
import { link } from '../audit/program.js';
import { cpugate, isPlainFailure } from './run.js';

const RET = 'c3';
const wide = { name: 'wide', code: `c5fdfec0 ${RET}` };
let folder = '';
const path = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-audit-'));
  writeFileSync(
    path('needs'),
    link({ pieces: [{ name: 'start', code: `e8 =wide ${RET}` }, wide] }),
  );
  writeFileSync(path('plain'), link({ pieces: [{ name: 'start', code: RET }] }));
  writeFileSync(
    path('asks'),
    link({ pieces: [{ name: 'start', code: `0fa2 f6c320 7405 e8 =wide ${RET}` }, wide] }),
  );
  writeFileSync(path('unclear'), link({ pieces: [{ name: 'start', code: RET }, wide] }));
  writeFileSync(path('script'), '#!/bin/sh\nexit 0\n');
  mkdirSync(path('root/bin'), { recursive: true });
  for (const name of ['plain', 'needs', 'script'])
    writeFileSync(join(folder, 'root', 'bin', name), readFileSync(path(name)));
  symlinkSync('/', path('root/way-out'));
  mkdirSync(path('quiet'));
  writeFileSync(path('quiet/plain'), readFileSync(path('plain')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const schema = new Ajv2020({ allowUnionTypes: true }).compile(
  JSON.parse(
    readFileSync(new URL('../../schemas/audit-report.schema.json', import.meta.url), 'utf8'),
  ),
);

function report(args: readonly string[]) {
  const { status, out, err } = cpugate(['audit', ...args, '--json']);
  expect(err).toBe('');
  const json = JSON.parse(out);
  expect(schema(json), JSON.stringify(schema.errors)).toBe(true);
  return { status, json };
}

describe('audit', () => {
  it.each([
    ['needs', 'x86-64-v2', 1, 'incompatible'],
    ['needs', 'haswell', 0, 'compatible'],
    ['plain', 'x86-64-v1', 0, 'compatible'],
    ['asks', 'x86-64-v1', 0, 'compatible'],
    ['unclear', 'x86-64-v1', 3, 'at-risk'],
  ])('of %s under %s gives status %i and says %s', (name, mask, status, verdict) => {
    const found = report([path(name), '--mask', mask]);
    expect([found.status, found.json.verdict]).toEqual([status, verdict]);
  });
  it('takes a host as the target', () => {
    expect(report([path('needs'), '--to', 'nehalem']).status).toBe(1);
    expect(report([path('needs'), '--to', 'haswell']).status).toBe(0);
  });
  it('says where the first instruction is, and how to see it', () => {
    const { json } = report([path('needs'), '--mask', 'x86-64-v2']);
    expect(json.files[0].needs).toEqual([
      {
        feature: 'avx2',
        functions: 1,
        first: {
          symbol: 'wide',
          offset: '0x0',
          address: '0x1010',
          show: `objdump -d --start-address=0x1010 --stop-address=0x1014 ${path('needs')}`,
        },
      },
    ]);
  });
  it('lists what is hidden and nothing else', () => {
    expect(report([path('needs'), '--mask', 'haswell']).json.files[0].needs).toEqual([]);
  });
  it('reads all programs below a folder, follows no links and passes over other files', () => {
    const { json, status } = report([path('root'), '--mask', 'x86-64-v2']);
    expect(json.files.map((one: { path: string }) => one.path)).toEqual([
      path('root/bin/needs'),
      path('root/bin/plain'),
    ]);
    expect(status).toBe(1);
  });
  it('keeps to --fail-on and --allow', () => {
    expect(
      report([path('unclear'), '--mask', 'x86-64-v2', '--fail-on', 'incompatible']).status,
    ).toBe(0);
    expect(report([path('needs'), '--mask', 'x86-64-v2', '--allow', 'avx2']).status).toBe(0);
  });
  it('is for people, too', () => {
    const { status, out } = cpugate(['audit', path('needs'), path('asks'), '--mask', 'x86-64-v2']);
    expect(status).toBe(1);
    expect(out).toContain('2 files under x86-64-v2: incompatible');
    expect(out).toContain('needs avx2: 1 function, first at wide+0x0');
    expect(out).toContain('1 of 2 files uses some of it only after asking the CPU');
    expect(out).not.toContain('asks before');
    const verbose = cpugate(['audit', path('asks'), '--mask', 'x86-64-v2', '-v']).out;
    expect(verbose).toContain('asks before avx2: 1 function, first at wide+0x0');
  });
  it.skipIf(process.platform !== 'linux')('looks at what a process has mapped', () => {
    const task = spawn('sleep', ['100'], { stdio: 'ignore' });
    try {
      // Until it has become that program.
      while (!readlinkSync(`/proc/${task.pid}/exe`).endsWith('sleep'));
      const { json } = report(['--pid', `${task.pid}`, '--mask', 'x86-64-v4']);
      const paths: string[] = json.files.map((one: { path: string }) => one.path);
      expect(paths).toContain(readlinkSync(`/proc/${task.pid}/exe`));
      expect(paths.some((path) => /libc[.-]|ld-/.test(path))).toBe(true);
    } finally {
      task.kill('SIGKILL');
    }
  });
  it.skipIf(process.platform !== 'linux')('says which code no file holds', () => {
    // Node's own, of its compiler.
    const { files, unread } = codeOfProcess(`${process.pid}`);
    expect(files.map(({ path }) => path)).toContain(realpathSync(process.execPath));
    expect(new Set(unread.map(({ why }) => why))).toEqual(new Set(['made-at-run-time']));
  });
});

describe('audit refuses', () => {
  it.each([
    [
      'a script',
      () => [path('script'), '--mask', 'x86-64-v2'],
      /is no program or library for x86-64/,
    ],
    ['what is missing', () => [path('nothing'), '--mask', 'x86-64-v2'], /no such file/],
    [
      'a folder without code',
      () => {
        mkdirSync(path('empty'), { recursive: true });
        return [path('empty'), '--mask', 'x86-64-v2'];
      },
      /holds no program or library/,
    ],
    ['a target that is missing', () => [path('plain')], /--mask BASELINE or --to HOST is missing/],
    [
      'two targets',
      () => [path('plain'), '--mask', 'x86-64-v2', '--to', 'haswell'],
      /exclude each other/,
    ],
    ['nothing at all', () => ['--mask', 'x86-64-v2'], /THING is missing/],
    [
      'a process that is none',
      () => ['--pid', '4194999', '--mask', 'x86-64-v2'],
      /no process 4194999/,
    ],
    [
      'a name that is no process',
      () => ['--pid', 'init', '--mask', 'x86-64-v2'],
      /--pid can't be "init"/,
    ],
  ])('%s', (_, args, message) => {
    const outcome = cpugate(['audit', ...args()]);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toMatch(message);
  });
  it.skipIf(process.getuid?.() === 0)('a file that may not be read', () => {
    writeFileSync(path('secret'), 'x');
    chmodSync(path('secret'), 0);
    const outcome = cpugate(['audit', path('secret'), '--mask', 'x86-64-v2']);
    expect(outcome.err).toMatch(/permission denied/);
  });
});
