import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { auditLaunch } from '../../src/cli/audit-launch.js';
import { auditKept } from '../../src/enforce/audit-cache.js';
import { neededFiles, readLoaderCache } from '../../src/enforce/needed-files.js';
import { describeHost } from '../../src/model/capabilities.js';
import { link } from '../audit/program.js';
import { HASWELL, hostOf, V2 } from '../hosts.js';

const errors: string[] = [];
vi.mock('../../src/cli/output.js', () => ({ writeErr: (text: string) => errors.push(text) }));

const RET = 'c3';
const needing = link({
  pieces: [
    { name: 'start', code: `e8 =wide ${RET}` },
    { name: 'wide', code: `c5fdfec0 ${RET}` },
  ],
});
const plain = link({ pieces: [{ name: 'start', code: RET }] });
const user = process.getuid?.() ?? 0;
const baseline = baselineOf(
  clusterOf([describeHost(hostOf({ ...HASWELL, name: 'small', features: V2 }))]),
);
const named = { name: 'pool.json', baseline, json: {} };

let folder = '';
const path = (name: string) => join(folder, name);
beforeEach(() => {
  errors.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'cpugate-launch-'));
  mkdirSync(path('caches'), { mode: 0o700 });
  vi.stubEnv('XDG_CACHE_HOME', path('caches'));
  for (const [name, bytes] of [
    ['needing', needing],
    ['plain', plain],
  ] as const) {
    writeFileSync(path(name), bytes);
    chmodSync(path(name), 0o755);
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('before a program is started under a mask', () => {
  it('what its code uses without asking is said, and it is started', async () => {
    await auditLaunch(path('needing'), named, 'warn', user);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`avx2 in ${path('needing')}`);
    expect(errors[0]).toMatch(/^cpugate: .*SIGILL.*\n$/);
  });
  it('nothing is said of one that uses nothing hidden', async () => {
    await auditLaunch(path('plain'), named, 'warn', user);
    expect(errors).toEqual([]);
  });
  it('it is refused where the user says so', async () => {
    await expect(auditLaunch(path('needing'), named, 'refuse', user)).rejects.toMatchObject({
      code: 'code-needs',
    });
    await auditLaunch(path('plain'), named, 'refuse', user);
  });
  it('nothing is looked at where the user says so', async () => {
    await auditLaunch(path('needing'), named, 'off', user);
    expect([errors, readdirSync(path('caches'))]).toEqual([[], []]);
  });
  it('a warning needs a folder to keep what was found in, a refusal none', async () => {
    chmodSync(path('caches'), 0o777);
    await auditLaunch(path('needing'), named, 'warn', user);
    expect(errors).toEqual([]);
    await expect(auditLaunch(path('needing'), named, 'refuse', user)).rejects.toThrow(/avx2/);
  });
  it('a large program is not read for a warning, and is for a refusal', async () => {
    writeFileSync(path('large'), Buffer.concat([needing, Buffer.alloc(1 << 20)]));
    await auditLaunch(path('large'), named, 'warn', user);
    expect(errors).toEqual([]);
    await expect(auditLaunch(path('large'), named, 'refuse', user)).rejects.toThrow(/avx2/);
    // What was found is there for a warning, too.
    await auditLaunch(path('large'), named, 'warn', user);
    expect(errors).toHaveLength(1);
  });
  it('scripts and files that are gone are started as they are', async () => {
    writeFileSync(path('script'), '#!/bin/sh\n');
    await auditLaunch(path('script'), named, 'warn', user);
    await auditLaunch(path('nothing'), named, 'warn', user);
    expect(errors).toEqual([]);
  });
});

describe('what is kept', () => {
  const kept = () => readdirSync(folder).filter((name) => name.startsWith('code-'));
  it('is found again, until the file changes', async () => {
    const first = await auditKept([path('needing')], folder, '1');
    expect(first.files[0]?.audit.needs.map(({ feature }) => feature)).toEqual(['avx2']);
    const [file = ''] = kept();
    // Something that no code says, to see that it is read.
    writeFileSync(path(file), readFileSync(path(file), 'utf8').replaceAll('"avx2"', '"fma"'));
    const again = await auditKept([path('needing')], folder, '1');
    expect(again.files[0]?.audit.needs.map(({ feature }) => feature)).toEqual(['fma']);
    writeFileSync(path('needing'), plain);
    const changed = await auditKept([path('needing')], folder, '1');
    expect(changed.files[0]?.audit.needs).toEqual([]);
  });
  it('belongs to one version of cpugate', async () => {
    await auditKept([path('needing')], folder, '1');
    await auditKept([path('needing')], folder, '2');
    expect(kept()).toHaveLength(2);
  });
  it.each([
    ['is cut off', '{"needs": ['],
    ['is something else', '[]'],
    [
      'names no feature',
      '{"needs":[{"feature":"x","functions":1,"first":null}],"chooses":[],"unclear":[]}',
    ],
    ['has no lists', '{"needs":1,"chooses":[],"unclear":[]}'],
  ])('and %s is not believed', async (_, text) => {
    await auditKept([path('needing')], folder, '1');
    const [file = ''] = kept();
    writeFileSync(path(file), text);
    const again = await auditKept([path('needing')], folder, '1');
    expect(again.files[0]?.audit.needs.map(({ feature }) => feature)).toEqual(['avx2']);
  });
});

describe('the files of a program', () => {
  /** One library a row: name, path, flags, hwcap. */
  function loaderCache(rows: readonly (readonly [string, string, number, bigint])[]): Buffer {
    const head = Buffer.alloc(48 + rows.length * 24);
    head.write('glibc-ld.so.cache1.1');
    head.writeUInt32LE(rows.length, 20);
    const texts: Buffer[] = [];
    let at = head.length;
    const put = (text: string) => {
      const place = at;
      texts.push(Buffer.from(`${text}\0`));
      at += text.length + 1;
      return place;
    };
    for (const [row, [name, file, flags, hwcap]] of rows.entries()) {
      const entry = 48 + row * 24;
      head.writeUInt32LE(flags, entry);
      head.writeUInt32LE(put(name), entry + 4);
      head.writeUInt32LE(put(file), entry + 8);
      head.writeBigUInt64LE(hwcap, entry + 16);
    }
    return Buffer.concat([head, ...texts]);
  }
  it('are looked up in the cache of the loader', () => {
    const cache = loaderCache([
      ['liba.so', '/32/liba.so', 3, 0n],
      ['liba.so', '/haswell/liba.so', 0x0303, 1n << 62n],
      ['liba.so', '/64/liba.so', 0x0303, 0n],
      ['libb.so', '/64/libb.so', 0x0303, 0n],
    ]);
    expect(readLoaderCache(cache, new Set(['liba.so', 'libc.so']))).toEqual(
      new Map([['liba.so', '/64/liba.so']]),
    );
    // Behind an old one, as glibc before 2.32 wrote it.
    const behind = Buffer.concat([Buffer.alloc(32), cache]);
    expect(readLoaderCache(behind, new Set(['libb.so'])).get('libb.so')).toBe('/64/libb.so');
  });
  it('are none of a cache that is damaged', () => {
    const cache = loaderCache([['liba.so', '/64/liba.so', 0x0303, 0n]]);
    for (let length = 0; length < 72; length++)
      expect(readLoaderCache(cache.subarray(0, length), new Set(['liba.so'])).size).toBe(0);
    expect(readLoaderCache(Buffer.alloc(100), new Set(['liba.so'])).size).toBe(0);
  });
  it('are itself where it names none, and none where it is gone', () => {
    expect(neededFiles(path('plain'), undefined)).toEqual([path('plain')]);
    expect(neededFiles(path('nothing'), undefined)).toEqual([]);
  });
  it.skipIf(process.platform !== 'linux')('are its loader and libraries', () => {
    const files = neededFiles(process.execPath, undefined);
    expect(files.length).toBeGreaterThan(1);
    expect(new Set(files).size).toBe(files.length);
  });
});
