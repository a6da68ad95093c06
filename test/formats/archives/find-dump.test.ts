import { describe, expect, it } from 'vitest';
import { type FoundDump, findDump } from '../../../src/formats/archives/find-dump.js';

const dump = (folder: string, container?: string): FoundDump => ({
  kind: 'dump',
  folder,
  container,
});

describe('where the dump is', () => {
  it.each<[string, string[], FoundDump]>([
    ['in the archive itself', ['inventory.img', 'core-1.img'], dump('')],
    ['in a folder that was packed', ['web/inventory.img', 'web/core-1.img'], dump('web')],
    ["in an engine's", ['config.dump', 'checkpoint/inventory.img'], dump('checkpoint', '')],
    ['with spec.dump alone', ['spec.dump', 'checkpoint/inventory.img'], dump('checkpoint', '')],
    [
      "in a packed folder of an engine's",
      ['web/spec.dump', 'web/checkpoint/inventory.img'],
      dump('web/checkpoint', 'web'),
    ],
    [
      'in a folder of that name that is no engine’s',
      ['checkpoint/inventory.img'],
      dump('checkpoint'),
    ],
    [
      'beside memory of before',
      ['config.dump', 'checkpoint/inventory.img', 'pre-checkpoint/inventory.img'],
      dump('checkpoint', ''),
    ],
    ["in docker's", ['config.json', 'inventory.img'], dump('')],
    [
      'nowhere: memory of before alone',
      ['config.dump', 'pre-checkpoint/inventory.img', 'pre-checkpoint/pages-1.img'],
      { kind: 'none' },
    ],
    ['nowhere: other files', ['a.txt', 'b/c.img'], { kind: 'none' }],
    ['nowhere: nothing', [], { kind: 'none' }],
    [
      'in several places',
      ['b/inventory.img', 'a/inventory.img'],
      { kind: 'several', folders: ['a', 'b'] },
    ],
    [
      'not whole',
      ['config.dump', 'checkpoint/pages-1.img', 'checkpoint/pstree.img'],
      { kind: 'incomplete', folder: 'checkpoint' },
    ],
    ['a record alone', ['x/cpuinfo.img'], { kind: 'record', folder: 'x' }],
    ["cpugate's record alone", ['cpugate-record.json'], { kind: 'record', folder: '' }],
    ['in an image', ['oci-layout', 'index.json', 'blobs/sha256/00'], { kind: 'oci', folder: '' }],
    ['in an image without an index', ['oci-layout'], { kind: 'none' }],
  ])('%s', (_, names, expected) => {
    expect(findDump(new Set(names))).toEqual(expected);
  });
});
