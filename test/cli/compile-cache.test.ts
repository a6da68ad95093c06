import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cacheFolder } from '../../src/cli/compile-cache.js';
import { readCode, writeCode } from '../../src/cli/kept-modules.js';
import { findNodes } from './nodes.js';
import { program, root } from './run.js';

const user = process.geteuid?.() ?? 0;

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-cache-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('the folder of compiled code', () => {
  it('is made for its user alone', () => {
    const home = temporary();
    const folder = cacheFolder({ HOME: home }, user);
    expect(folder).toBe(join(home, '.cache', 'cpugate'));
    expect(statSync(folder as string).mode & 0o777).toBe(0o700);
    expect(cacheFolder({ HOME: home }, user)).toBe(folder);
  });
  it('lies in XDG_CACHE_HOME where that is set', () => {
    const [home, caches] = [temporary(), temporary()];
    expect(cacheFolder({ HOME: home, XDG_CACHE_HOME: caches }, user)).toBe(join(caches, 'cpugate'));
    expect(readdirSync(home)).toEqual([]);
  });

  const REFUSED: [what: string, prepare: (home: string) => void][] = [
    ['others may write to', (home) => mode(join(home, '.cache', 'cpugate'), 0o770)],
    ['others may read', (home) => mode(join(home, '.cache', 'cpugate'), 0o705)],
    ['others may replace', (home) => mode(join(home, '.cache'), 0o777)],
    ['others may replace further up', (home) => chmodSync(home, 0o777)],
    ['is a link', (home) => link(home)],
    ['is a file', (home) => file(home)],
  ];
  function mode(folder: string, bits: number) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, bits);
  }
  function link(home: string) {
    mkdirSync(join(home, 'elsewhere'), 0o700);
    mkdirSync(join(home, '.cache'), 0o700);
    symlinkSync(join(home, 'elsewhere'), join(home, '.cache', 'cpugate'));
  }
  function file(home: string) {
    mkdirSync(join(home, '.cache'), 0o700);
    writeFileSync(join(home, '.cache', 'cpugate'), '');
  }
  it.each(REFUSED)('is not one that %s', (_, prepare) => {
    const home = temporary();
    prepare(home);
    expect(cacheFolder({ HOME: home }, user)).toBeUndefined();
  });
  it("is not one of another user's", () => {
    const home = temporary();
    expect(cacheFolder({ HOME: home }, user)).toBeDefined();
    expect(cacheFolder({ HOME: home }, user + 1)).toBeUndefined();
  });
  it.each<[what: string, prepare: (home: string) => void]>([
    ['without one', () => {}],
    ['with a link', (home) => symlinkSync(join(home, 'elsewhere'), join(home, '.cache'))],
  ])("makes nothing in another user's home %s: sudo -E", (_, prepare) => {
    const home = temporary();
    mkdirSync(join(home, 'elsewhere'));
    prepare(home);
    const before = readdirSync(home);
    // Root owns all that it makes; others are asked for as if they were somebody else.
    if (user === 0) chownSync(home, 1234, 1234);
    expect(cacheFolder({ HOME: home }, user === 0 ? user : user + 1)).toBeUndefined();
    expect(readdirSync(home)).toEqual(before);
    expect(readdirSync(join(home, 'elsewhere'))).toEqual([]);
  });
  it.skipIf(user !== 0)(
    "follows no other user's link out of a folder that all may write to",
    () => {
      const [home, target] = [temporary(), temporary()];
      chmodSync(home, 0o1777);
      symlinkSync(target, join(home, '.cache'));
      lchownSync(join(home, '.cache'), 1234, 1234);
      expect(cacheFolder({ HOME: home }, user)).toBeUndefined();
      expect(readdirSync(target)).toEqual([]);
    },
  );
  it.each([
    ['no HOME', {}],
    ['a relative one', { HOME: '.', XDG_CACHE_HOME: 'cache' }],
    ['one that is not there', { HOME: '/no/such/home' }],
  ])('is none with %s', (_, env) => {
    expect(cacheFolder(env, user)).toBeUndefined();
    expect(existsSync('/no')).toBe(false);
  });
});

/** Every file of code that is kept, by its path. */
function keptIn(home: string): string[] {
  const folder = join(home, '.cache', 'cpugate');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

const NODES: [version: string, path: string][] = [
  [process.versions.node, process.execPath],
  ...findNodes(),
];

describe.each(NODES)('code kept by Node %s', (_, node) => {
  const start = (home: string, args: readonly string[], env: Record<string, string> = {}) => {
    const { status, stdout, stderr } = spawnSync(node, [program, ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: home, ...env },
    });
    return { status, stdout, stderr };
  };
  const show = (home: string) => start(home, ['explain', 'avx2']);
  const stamps = (home: string) =>
    keptIn(home).map((path) => [path, statSync(path).ino, statSync(path).mtimeMs]);

  const DAMAGES: [what: string, damage: (bytes: Buffer) => Uint8Array][] = [
    ['empty', () => new Uint8Array()],
    ['cut', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['cut in its header', (bytes) => bytes.subarray(0, 10)],
    ['overwritten', (bytes) => bytes.fill(0x5a)],
    ['changed in one byte', (bytes) => bytes.fill(bytes[200] ? 0 : 1, 200, 201)],
    [
      'changed in one byte of the code',
      (bytes) => bytes.fill(bytes[20_000] ? 0 : 1, 20_000, 20_001),
    ],
    ['another file', (bytes) => Buffer.concat([bytes, bytes])],
  ];
  it.each(DAMAGES)('never matters, and is replaced: %s', (_, damage) => {
    const home = temporary();
    const expected = show(home);
    expect(expected).toMatchObject({ status: 0, stderr: '' });
    const kept = keptIn(home);
    expect(kept.length).toBeGreaterThan(0);
    const whole = kept.map((path) => statSync(path).size);
    for (const path of kept) writeFileSync(path, damage(readFileSync(path)));
    expect(show(home)).toEqual(expected);
    expect(kept.map((path) => statSync(path).size > 0.9 * (whole.shift() as number))).not.toContain(
      false,
    );
    expect(show(home)).toEqual(expected);
  });
  it('is taken as it is by the next start', () => {
    const home = temporary();
    const expected = show(home);
    const before = stamps(home);
    expect(show(home)).toEqual(expected);
    expect(stamps(home)).toEqual(before);
  });
  it.each([
    ['after wrong usage', ['explain', '--nonsense'], {}],
    ['after help', ['--help'], {}],
    ['with NODE_DISABLE_COMPILE_CACHE', ['explain', 'avx2'], { NODE_DISABLE_COMPILE_CACHE: '1' }],
  ])('is none %s', (_, args, env) => {
    const home = temporary();
    start(home, args, env);
    expect(keptIn(home)).toEqual([]);
  });
});

describe('a file of code', () => {
  const [head, code] = [Buffer.from('this Node\nthis source\n'), Buffer.from('code')];
  it('is read by who wrote it, of the same source', () => {
    const file = join(temporary(), 'check.cjs.code');
    writeCode(file, head, code);
    expect(readCode(file, head)).toEqual(code);
    expect(readCode(file, Buffer.from('this Node\nthat source\n'))).toBeUndefined();
    expect(readCode(file, Buffer.from('that Node\nthis source\n'))).toBeUndefined();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
  it('is none where it differs from its second copy, or has no code', () => {
    const file = join(temporary(), 'check.cjs.code');
    for (const bytes of ['codecoda', 'codecod', '']) {
      writeFileSync(file, Buffer.concat([head, Buffer.from(bytes)]));
      expect(readCode(file, head)).toBeUndefined();
    }
  });
  it('is not there at all where it cannot be written', () => {
    const folder = temporary();
    mkdirSync(join(folder, 'check.cjs.code'));
    writeCode(join(folder, 'check.cjs.code'), head, code);
    expect(readdirSync(folder)).toEqual(['check.cjs.code']);
  });
});

describe('dist', () => {
  it('has no catalogue in the file that every command loads', () => {
    const read = (name: string) => readFileSync(join(root, 'dist', name), 'utf8');
    expect(read('run.cjs')).toContain('avx512_vp2intersect');
    expect(read('main.cjs')).not.toContain('avx512_vp2intersect');
  });
  it("holds no compiled code, which would be another Node's", () => {
    const files = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' });
    expect(
      files.filter(
        (name) =>
          statSync(join(root, 'dist', name)).isFile() && !/\.(cjs|js|d\.ts|json|txt|1)$/.test(name),
      ),
    ).toEqual([]);
  });
});
