import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostFilesIn } from '../../src/cli/host-folder.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-folder-'));
  const hosts = join(folder, 'hosts');
  mkdirSync(join(hosts, 'deeper'), { recursive: true });
  for (const name of [
    'web-10.json',
    'web-7.json',
    'web-8.json',
    'plain',
    'web-7.json~',
    '#web-7.json#',
    '.#web-7.json',
    '.web-7.json.swp',
    '.cpugate-0123456789abcdef.tmp',
    'cluster.json.4711.tmp',
    'moves.svg',
    'fleet.html',
  ])
    writeFileSync(join(hosts, name), '');
  writeFileSync(join(folder, 'outside.json'), '');
  symlinkSync('web-7.json', join(hosts, 'inside.json'));
  symlinkSync('../outside.json', join(hosts, 'leads-out.json'));
  symlinkSync('nowhere', join(hosts, 'broken.json'));
  symlinkSync('deeper', join(hosts, 'folder.json'));
  symlinkSync('circle.json', join(hosts, 'circle.json'));
  symlinkSync('hosts', join(folder, 'linked'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('files of hosts in a folder', () => {
  it.each(['hosts', 'linked', 'hosts/'])(
    '%s: regular files whose names people mean, in natural order',
    (name) => {
      expect(hostFilesIn(join(folder, name)).map((path) => basename(path))).toEqual([
        'inside.json',
        'plain',
        'web-7.json',
        'web-8.json',
        'web-10.json',
      ]);
    },
  );
  it('are called by the path that the user gave', () => {
    expect(hostFilesIn(join(folder, 'linked'))[1]).toBe(join(folder, 'linked', 'plain'));
  });
  it('of a folder that is not there are an error', () => {
    expect(() => hostFilesIn(join(folder, 'nowhere'))).toThrow('no such file');
  });
});
