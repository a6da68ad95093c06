import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeInImages, readMappedCode } from '../../src/enforce/code-images.js';
import { FolderFiles } from '../../src/enforce/image-files.js';
import { readImageFolder } from '../../src/enforce/image-folder.js';
import { link } from '../audit/program.js';
import { ANONYMOUS } from '../formats/image-bytes.js';
import {
  type DumpPlan,
  EXECUTE,
  type FilePlan,
  PAGE,
  PID,
  withBuildId,
  writeBelow,
  writeDump,
} from './dumped-code.js';

let folder = '';
const images = () => join(folder, 'images');
const root = () => join(folder, 'root');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-code-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function collect(path = images()) {
  const files = new FolderFiles(path);
  try {
    return codeInImages(files, readImageFolder(files));
  } finally {
    files.close();
  }
}

/** What of a dump is read, and what isn't. */
function read(path = images()) {
  const { mapped, unread } = collect(path);
  const codes = mapped.map((one) => ({ path: one.file.path, ...readMappedCode(root(), one) }));
  return {
    read: codes.filter(({ bytes }) => bytes !== undefined).map(({ path }) => path),
    unread: [...unread, ...codes.flatMap((one) => one.unread)],
  };
}

const ID = Uint8Array.from({ length: 20 }, (_, place) => place * 7);
const OTHER_ID = ID.map((byte) => byte ^ 1);
const plain = link({ pieces: [{ name: 'start', code: 'c3' }] });
const marked = withBuildId(plain, ID);
const START = 0x400000n;
const ONE_PAGE = { start: START, end: START + PAGE, prot: EXECUTE };
const SERVER: FilePlan = { id: 3, path: '/bin/server', size: marked.length, buildId: ID };

function dumpOf(file: FilePlan, more: Partial<DumpPlan> = {}) {
  writeDump(images(), { files: [file], mappings: [{ ...ONE_PAGE, file: file.id }], ...more });
}

describe('a file that dumped tasks have mapped to execute', () => {
  it.each<[string, FilePlan, Uint8Array]>([
    ['by its build ID and size', SERVER, marked],
    [
      'by its size, where it has no build ID',
      { id: 3, path: '/bin/server', size: plain.length },
      plain,
    ],
  ])('is known %s', (_, file, bytes) => {
    dumpOf(file);
    writeBelow(root(), file.path, bytes);
    expect(read()).toEqual({ read: ['/bin/server'], unread: [] });
  });

  it.each<[string, FilePlan, Uint8Array]>([
    ['has another build ID', { ...SERVER, buildId: OTHER_ID }, marked],
    ['has no build ID any more', SERVER, plain],
    ['has another size', { ...SERVER, size: marked.length + 1 }, marked],
    ['has a size that the images lack', { id: 3, path: '/bin/server', buildId: ID }, marked],
  ])('is another one where it %s', (_, file, bytes) => {
    dumpOf(file);
    writeBelow(root(), file.path, bytes);
    expect(read()).toEqual({
      read: [],
      unread: [{ what: '/bin/server', why: 'other-file', bytes: 4096 }],
    });
  });

  it.each<[string, string, (path: string) => void]>([
    ['is not there', 'missing', () => {}],
    [
      'is reached by a link',
      'missing',
      (path) => {
        writeBelow(root(), '/real', marked);
        writeBelow(root(), '/bin/other', marked);
        symlinkSync(join(root(), 'real'), join(root(), path));
      },
    ],
    [
      'is no program',
      'no-program',
      (path) => writeBelow(root(), path, Buffer.alloc(marked.length, 0x90)),
    ],
  ])("isn't read where it %s", (_, why, prepare) => {
    dumpOf(SERVER);
    writeBelow(root(), '/etc/hostname', Buffer.from('root'));
    prepare(SERVER.path);
    expect(read()).toEqual({ read: [], unread: [{ what: '/bin/server', why, bytes: 4096 }] });
  });

  it('is never read from outside the root', () => {
    writeBelow(folder, '/secret', marked);
    dumpOf({ ...SERVER, path: '/../secret' });
    writeBelow(root(), '/etc/hostname', Buffer.from('root'));
    expect(read().unread.map(({ why }) => why)).toEqual(['missing']);
  });

  it('is gone where it was deleted, whatever is at its path now', () => {
    dumpOf(SERVER, { deleted: [SERVER.id] });
    writeBelow(root(), SERVER.path, marked);
    expect(read()).toEqual({
      read: [],
      unread: [{ what: '/bin/server', why: 'gone', bytes: 4096 }],
    });
  });

  it('counts its mappings together, and those that are no code not at all', () => {
    writeDump(images(), {
      files: [SERVER, { ...SERVER, id: 4 }, { ...SERVER, id: 5, path: '/etc/data' }],
      mappings: [
        { ...ONE_PAGE, file: 3 },
        { start: START + PAGE, end: START + 3n * PAGE, prot: EXECUTE, file: 4 },
        { start: START + 3n * PAGE, end: START + 4n * PAGE, prot: 1, file: 5 },
      ],
    });
    expect(collect().mapped.map(({ file, bytes }) => [file.path, bytes])).toEqual([
      ['/bin/server', 3 * 4096],
    ]);
  });

  it.each([
    ['differs from it', Buffer.alloc(4096, 0xcc), ['made-at-run-time']],
    ['is the same', marked.subarray(0, 4096), []],
  ])('has a page in the dump that %s', (_, content, expected) => {
    dumpOf(SERVER, { pages: [{ address: START, content }] });
    writeBelow(root(), SERVER.path, marked);
    const found = read();
    expect(found.read).toEqual(['/bin/server']);
    expect(found.unread.map(({ why }) => why)).toEqual(expected);
  });
});

describe('executable memory', () => {
  const VDSO = 1 | (1 << 3) | (1 << 9);
  const SHARED = 1 | (1 << 8);

  it.each([
    ['without a file was made at run time', ANONYMOUS, 0, ['made-at-run-time']],
    ['of a file that is no regular one was, too', 1 | (1 << 6), 9, ['made-at-run-time']],
    // What stands in the file's place is no number of files.img there.
    ['that is shared was, too', SHARED, 3, ['made-at-run-time']],
    ["of the kernel isn't the task's", VDSO, 0, []],
  ])('%s', (_, status, file, expected) => {
    dumpOf(SERVER, { mappings: [{ ...ONE_PAGE, status, file }] });
    expect(read().unread).toEqual(
      expected.map((why) => ({
        what: `memory at 0x400000 of process ${PID}`,
        why,
        bytes: 4096,
      })),
    );
  });

  it('is not passed over where images are missing', () => {
    writeBelow(root(), SERVER.path, marked);
    const without = (name: string) => {
      dumpOf(SERVER);
      rmSync(join(images(), name));
      return read().unread.map(({ why }) => why);
    };
    expect(without(`mm-${PID}.img`)).toEqual(['not-dumped']);
    expect(without(`pagemap-${PID}.img`)).toEqual(['not-dumped']);
    expect(without('files.img')).toEqual(['not-dumped']);
  });

  it('is refused where the list of deleted files is damaged', () => {
    dumpOf(SERVER, { deleted: [SERVER.id] });
    truncateSync(join(images(), 'remap-fpath.img'), 13);
    expect(() => collect()).toThrow('is cut off');
    writeFileSync(join(images(), 'remap-fpath.img'), 'nothing of CRIU');
    expect(() => collect()).toThrow('remap-fpath');
  });
});

describe('a real dump', () => {
  it('has a program, the C library and the dynamic linker, and no code of its own', () => {
    const path = fileURLToPath(new URL('../fixtures/images/haswell', import.meta.url));
    const { mapped, unread } = collect(path);
    expect(mapped.map(({ file }) => file.path.split('/').at(-1))).toEqual([
      'in-handler',
      'libc.so.6',
      'ld-linux-x86-64.so.2',
    ]);
    // SHA-1, as GNU ld makes it.
    expect(mapped.map(({ file }) => file.buildId?.length)).toEqual([20, 20, 20]);
    expect(unread).toEqual([]);
  });
});
