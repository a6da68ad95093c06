import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { writeAllWhole, writeWhole } from '../../src/cli/write-file.js';
import { cpugate, isPlainFailure, program } from './run.js';

const isRoot = process.getuid?.() === 0;
const base = mkdtempSync(join(tmpdir(), 'cpugate-write-'));
let folder = '';
let count = 0;

beforeEach(() => {
  folder = join(base, `${++count}`);
  mkdirSync(folder);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const modeOf = (name: string) => statSync(at(name)).mode & 0o777;

function withUmask(mask: number, work: () => void): void {
  const before = process.umask(mask);
  try {
    work();
  } finally {
    process.umask(before);
  }
}

/** Root may do what others may not. */
function asAnyUser(work: () => void): void {
  if (isRoot) process.seteuid?.(65534);
  try {
    work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

describe('a file that is written', () => {
  it('anew has the mode that the umask leaves', () => {
    withUmask(0o027, () => writeWhole(at('a'), 'new'));
    expect(readFileSync(at('a'), 'utf8')).toBe('new');
    expect(modeOf('a')).toBe(0o640);
  });
  it.each([0o600, 0o664, 0o666, 0o444])('keeps its mode %o, whatever the umask', (mode) => {
    writeFileSync(at('a'), 'old');
    chmodSync(at('a'), mode);
    withUmask(0o077, () => writeWhole(at('a'), 'new'));
    expect(readFileSync(at('a'), 'utf8')).toBe('new');
    expect(modeOf('a')).toBe(mode);
  });
  it.skipIf(!isRoot)('keeps its owner and group where root writes it', () => {
    writeFileSync(at('a'), 'old');
    chmodSync(at('a'), 0o640);
    chownSync(at('a'), 1234, 5678);
    writeWhole(at('a'), 'new');
    expect(statSync(at('a'))).toMatchObject({ uid: 1234, gid: 5678 });
    expect(modeOf('a')).toBe(0o640);
  });
  it.skipIf(!isRoot)("is its writer's where that is not allowed, and lets nobody do more", () => {
    writeFileSync(at('a'), 'old');
    chownSync(at('a'), 1234, 5678);
    chmodSync(at('a'), 0o664);
    chmodSync(folder, 0o777);
    chmodSync(base, 0o755);
    process.setegid?.(65534);
    asAnyUser(() => writeWhole(at('a'), 'new'));
    process.setegid?.(0);
    expect(statSync(at('a'))).toMatchObject({ uid: 65534, gid: 65534 });
    expect(modeOf('a')).toBe(0o644);
  });
  it('leaves the other hard links the old content', () => {
    writeFileSync(at('a'), 'old');
    linkSync(at('a'), at('b'));
    writeWhole(at('a'), 'new');
    expect(readFileSync(at('b'), 'utf8')).toBe('old');
  });
  it.each([
    ['a file', 'real.json', true],
    ['nothing yet', 'real.json', false],
    ['a link that leads to nothing yet', 'second', false],
  ])('through a link to %s is where that leads, and the link stays', (_, target, isThere) => {
    mkdirSync(at('there'));
    if (isThere) writeFileSync(at('there/real.json'), 'old');
    symlinkSync('real.json', at('there/second'));
    symlinkSync(`there/${target}`, at('link'));
    writeWhole(at('link'), 'new');
    expect(readlinkSync(at('link'))).toBe(`there/${target}`);
    expect(lstatSync(at('there/real.json')).isFile()).toBe(true);
    expect(readFileSync(at('there/real.json'), 'utf8')).toBe('new');
    expect(readdirSync(folder).sort()).toEqual(['link', 'there']);
  });
  it('through a link in a folder that is a link is where the kernel finds it', () => {
    mkdirSync(at('deep/deeper'), { recursive: true });
    symlinkSync('deep/deeper', at('short'));
    symlinkSync('../up.json', at('deep/deeper/link'));
    writeWhole(at('short/link'), 'new');
    expect(readFileSync(at('deep/up.json'), 'utf8')).toBe('new');
  });
  it.skipIf(!isRoot).each([
    ['a file', true],
    ['nothing yet', false],
  ])("through another user's link to %s is refused in a folder that all may write to", (_, is) => {
    mkdirSync(at('all'));
    chmodSync(at('all'), 0o1777);
    if (is) writeFileSync(at('mine'), 'old');
    symlinkSync(at('mine'), at('all/link'));
    lchownSync(at('all/link'), 1234, 1234);
    expect(() => writeWhole(at('all/link'), 'new')).toThrow('permission denied');
    expect(existsSync(at('mine')) && readFileSync(at('mine'), 'utf8')).toBe(is && 'old');
    lchownSync(at('all/link'), 0, 0);
    writeWhole(at('all/link'), 'new');
    expect(readFileSync(at('mine'), 'utf8')).toBe('new');
  });
  it('is refused where a link of /proc leads to a file that has no name any more', () => {
    const command =
      'exec 9> gone; rm gone; "$0" "$1" convert haswell --to profile -o /proc/$$/fd/9; exit $?';
    const { status, stderr } = spawnSync('sh', ['-c', command, process.execPath, program], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('ESTALE');
    expect(readdirSync(folder)).toEqual([]);
  });
  it('may have the longest name there is', () => {
    const longest = 'x'.repeat(255);
    writeWhole(at(longest), 'new');
    writeWhole(at(longest), 'newer');
    expect(readFileSync(at(longest), 'utf8')).toBe('newer');
  });
  it('is not held up by what a killed run left, which goes after an hour', () => {
    const [old, young] = ['.cpugate-0123456789abcdef.tmp', '.cpugate-fedcba9876543210.tmp'];
    for (const name of [old, young, '.cpugate-mine.tmp']) writeFileSync(at(name), 'half');
    const before = Date.now() / 1000 - 2 * 60 * 60;
    for (const name of [old, '.cpugate-mine.tmp']) utimesSync(at(name), before, before);
    writeWhole(at('a'), 'new');
    expect(readdirSync(folder).sort()).toEqual([young, '.cpugate-mine.tmp', 'a'].sort());
  });
  it('comes with the others, or none of them', () => {
    writeFileSync(at('a'), 'old');
    const files = (last: string) => [
      { path: at('a'), content: 'new' },
      { path: at(last), content: 'new' },
    ];
    expect(() => writeAllWhole(files('no/folder'))).toThrow('ENOENT');
    expect(() =>
      writeAllWhole(files('b'), () => {
        throw new Error('changed');
      }),
    ).toThrow();
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
    writeAllWhole(files('b'));
    expect(readdirSync(folder)).toEqual(['a', 'b']);
  });
});

describe('what can only be written to', () => {
  const convert = ['convert', 'haswell', '--to', 'profile'];
  it.each([
    '-',
    '/dev/stdout',
    '/dev/fd/1',
    '/dev//fd/1',
    '/proc/self/fd/1',
    '/proc/thread-self/fd/1',
  ])('%s is standard output', (output) => {
    const { status, out } = cpugate([...convert, '-o', output]);
    expect(status).toBe(0);
    expect(JSON.parse(out).kind).toBe('cpugate-host-profile');
  });
  it('standard output goes on where the shell has let it begin', () => {
    writeFileSync(at('log'), 'kept\n');
    const command = '"$0" "$@" -o /dev/stdout >> log';
    spawnSync('sh', ['-c', command, process.execPath, program, ...convert], { cwd: folder });
    expect(readFileSync(at('log'), 'utf8')).toMatch(/^kept\n\{/);
  });
  it('/dev/stderr and other descriptors that the shell opened', () => {
    expect(cpugate([...convert, '-o', '/dev/stderr']).err).toMatch(/^\{/);
    const command = '"$0" "$@" -o /dev/fd/3 3> three';
    spawnSync('sh', ['-c', command, process.execPath, program, ...convert], { cwd: folder });
    expect(readFileSync(at('three'), 'utf8')).toMatch(/^\{/);
  });
  it.each(Array.from({ length: 20 }, (_, n) => n + 3))(
    'descriptor %i, which the user has not opened, is refused',
    (number) => {
      expect(isPlainFailure(cpugate([...convert, '-o', `/dev/fd/${number}`]))).toBe(true);
    },
  );
  it.each(['/proc/thread-self/fd', '/dev//fd', '/proc/self/../self/fd'])(
    'descriptors in %s are those in /dev/fd',
    (fds) => {
      const both = (output: string) => cpugate(['baseline', 'haswell', '--json', '-o', output]);
      expect(isPlainFailure(both(`${fds}/1`))).toBe(true);
      for (const number of [3, 4, 5, 6, 7, 8, 9])
        expect(isPlainFailure(cpugate([...convert, '-o', `${fds}/${number}`]))).toBe(true);
    },
  );
  it('a named pipe, which stays one', async () => {
    spawnSync('mkfifo', [at('pipe')]);
    const reader = spawn('cat', [at('pipe')]);
    let read = '';
    reader.stdout.on('data', (data) => {
      read += data;
    });
    const ended = new Promise((resolve) => reader.on('close', resolve));
    expect(cpugate([...convert, '-o', at('pipe')]).status).toBe(0);
    await ended;
    expect(JSON.parse(read).kind).toBe('cpugate-host-profile');
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
  });
});

describe('a place that cannot be written to', () => {
  it.each([
    ['a circle of links', 'circle', 'ELOOP', 'symbolic links'],
    ['too long a name', 'x'.repeat(256), 'ENAMETOOLONG', 'too long a name'],
    ['a folder', 'folder', 'EISDIR', 'a folder'],
    ['what can only be a folder', 'new/', 'EISDIR', 'a folder'],
    ['a file as a folder', 'file/x', 'ENOTDIR', 'not a folder'],
    ['a folder that is not there', 'no/x', 'ENOENT', "folder isn't there"],
    ['a device that is full', '/dev/full', 'ENOSPC', 'no space'],
  ])('%s is said in words', (_, name, code, words) => {
    symlinkSync('circle', at('circle'));
    mkdirSync(at('folder'));
    writeFileSync(at('file'), '');
    const path = name.startsWith('/') ? name : at(name);
    const outcome = cpugate(['convert', 'haswell', '--to', 'profile', '-o', path]);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain(code);
    expect(outcome.err).toContain(words);
    expect(readdirSync(folder).sort()).toEqual(['circle', 'file', 'folder']);
  });
  it('with a name that fills a screen is named by its beginning', () => {
    const [long, deep] = ['x'.repeat(100_000), `${'folder/'.repeat(80)}x`];
    for (const args of [
      ['show', long],
      ['convert', 'haswell', '--to', 'profile', '-o', long],
    ]) {
      const outcome = cpugate(args);
      expect(isPlainFailure(outcome)).toBe(true);
      expect(outcome.err.length).toBeLessThan(500);
    }
    expect(cpugate(['show', deep]).err).toContain(deep);
  });
  it('a folder that may not be written to, although the file may', () => {
    writeFileSync(at('file'), 'old');
    chmodSync(at('file'), 0o666);
    chmodSync(base, 0o755);
    chmodSync(folder, 0o555);
    asAnyUser(() =>
      expect(() => writeWhole(at('file'), 'new')).toThrow('its folder may not be written to'),
    );
    chmodSync(folder, 0o755);
    expect(readFileSync(at('file'), 'utf8')).toBe('old');
  });
});
