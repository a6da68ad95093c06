import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMappedFile } from '../../src/enforce/image-files.js';
import {
  fingerprintImages,
  isDump,
  readImageFolder,
  readImageHost,
} from '../../src/enforce/image-folder.js';
import { openInput } from '../../src/formats/format.js';
import { readPageMap } from '../../src/formats/images/memory-map.js';
import { InputError, isInputError } from '../../src/model/errors.js';
import { cpuTimer, TOO_LONG } from '../cpu-time.js';
import { core, pstree } from '../formats/image-bytes.js';
import { pagemapImage } from '../formats/image-pages.js';
import { HASWELL, hostOf } from '../hosts.js';
import { gate } from '../judge/between.js';

const fixtures = fileURLToPath(new URL('../fixtures/images/', import.meta.url));

let folder = '';
const at = (...parts: string[]) => join(folder, ...parts);
const images = () => at('images');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-images-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A copy to be damaged. */
function take(name: string): void {
  cpSync(join(fixtures, name), images(), { recursive: true });
}

/** Of what is said of incomplete images. */
function severities(): string[] {
  const { findings } = gate(readImageFolder(images()), hostOf(HASWELL));
  return findings.filter(({ code }) => code === 'images-incomplete').map((one) => one.severity);
}

describe('a real dump', () => {
  it('in a signal handler, with AVX state in registers and in the frame', () => {
    const read = readImageFolder(join(fixtures, 'haswell'));
    const [process] = read.processes;
    expect(read.rootPid).toBe(5001);
    expect(read.processes).toHaveLength(1);
    expect(process?.comm).toBe('in-handler');
    expect(process?.threads.map(({ tid }) => tid)).toEqual([5001, 5003]);
    // XCR0 of a Haswell guest is 7 and its area 832; the handler interrupted code with AVX in use.
    expect(process?.signalFrames).toEqual({
      known: true,
      value: [{ tid: 5001, areaBytes: 832, features: 7n, inUse: 7n }],
    });
    expect(process?.auxv.get(26)).toBe(2n);
    // Four levels of page tables give addresses below 2^47; a stack ends in the last TiB of them.
    const { highestAddress } = process ?? {};
    if (highestAddress?.known !== true) throw new Error('the map is there');
    expect(highestAddress.value >> 40n).toBe(0x7fn);
    expect(read.record?.enforcement).toBe('none');
    expect(read.cpuinfo?.criu?.xsaveSize).toBe(832);
  });

  it('of a CPU with protection keys has PKRU in XSTATE_BV and nobody who uses it', () => {
    const [process] = readImageFolder(join(fixtures, 'haswell+pku')).processes;
    for (const { xsave } of process?.threads ?? []) {
      expect((xsave?.xstateBv ?? 0n) & 0x200n).toBe(0x200n);
      expect((xsave?.inUse ?? 0n) & 0x200n).toBe(0n);
    }
  });

  it('of a CPU without XSAVE', () => {
    const [process] = readImageFolder(join(fixtures, 'nehalem')).processes;
    expect(process?.threads.map(({ xsave }) => xsave)).toEqual([undefined, undefined]);
    expect(process?.signalFrames).toEqual({ known: true, value: [] });
  });
});

describe('pages that are not all there', () => {
  const isTold = () => readImageFolder(images()).processes[0]?.signalFrames.known;

  it('leave signal handlers untold', () => {
    take('haswell');
    expect(isTold()).toBe(true);
    truncateSync(at('images', 'pages-1.img'), 4096);
    expect(isTold()).toBe(false);
    rmSync(at('images', 'pages-1.img'));
    expect(isTold()).toBe(false);
    rmSync(at('images', 'pagemap-5001.img'));
    expect(isTold()).toBe(false);
    const isHighestTold = () => readImageFolder(images()).processes[0]?.highestAddress.known;
    expect(isHighestTold()).toBe(true);
    rmSync(at('images', 'mm-5001.img'));
    expect(isTold()).toBe(false);
    expect(isHighestTold()).toBe(false);
  });

  it.each([
    ['mm-5001.img', 'missing'],
    ['pagemap-5001.img', 'missing'],
    ['pages-1.img', 'missing'],
    ['files.img', 'missing'],
  ])('%s %s: the dump is incomplete', (file, gap) => {
    take('haswell');
    const gaps = () => {
      const read = readImageFolder(images());
      return [...read.gaps, ...read.processes.flatMap((one) => one.gaps)];
    };
    expect(gaps()).toEqual([]);
    expect(severities()).toEqual([]);
    rmSync(at('images', file));
    expect(gaps()).toEqual([{ file, gap }]);
    expect(severities()).toEqual(['unknown']);
  });

  it('too few or too many: the dump is incomplete', () => {
    for (const bytes of [4096, 1 << 20]) {
      take('haswell');
      truncateSync(at('images', 'pages-1.img'), bytes);
      const [process] = readImageFolder(images()).processes;
      expect(process?.gaps).toEqual([{ file: 'pages-1.img', gap: 'size' }]);
    }
  });

  it('and lie in the dump before: it has to be there', () => {
    take('haswell');
    const runs = [{ address: 0x10000n, pages: 1, flags: 1 }];
    writeFileSync(at('images', 'pagemap-5001.img'), pagemapImage(1, runs));
    rmSync(at('images', 'pages-1.img'));
    const gaps = () => readImageFolder(images()).processes[0]?.gaps;
    expect(gaps()).toEqual([{ file: 'parent', gap: 'missing' }]);
    symlinkSync('../before', at('images', 'parent'));
    expect(gaps()).toEqual([{ file: 'parent', gap: 'missing' }]);
    mkdirSync(at('before'));
    expect(gaps()).toEqual([{ file: 'parent/pagemap-5001.img', gap: 'missing' }]);
  });
});

describe('a dump of what has changed since the one before', () => {
  /** `kept`: how many of the runs are in the last dump itself; the rest is in the one before. */
  function takeIncremental(kept: number): void {
    take('haswell');
    cpSync(images(), at('before'), { recursive: true });
    const map = readPageMap(openInput('map', readFileSync(at('before', 'pagemap-5001.img'))));
    if (map === undefined) throw new Error('is of a known form');
    const runs = map.runs.map(({ address, pages }, place) => ({
      address,
      pages,
      flags: place < kept ? 4 : 1,
    }));
    const own = map.runs.slice(0, kept).reduce((sum, { pages }) => sum + pages, 0);
    writeFileSync(at('images', 'pagemap-5001.img'), pagemapImage(1, runs));
    truncateSync(at('images', 'pages-1.img'), own * 4096);
    symlinkSync('../before', at('images', 'parent'));
  }

  const read = () => readImageFolder(images()).processes[0];
  const toldByAll = () => readImageFolder(join(fixtures, 'haswell')).processes[0]?.signalFrames;

  it.each([0, 1])('with %i runs of its own tells what a whole one tells', (kept) => {
    takeIncremental(kept);
    expect(toldByAll()?.known).toBe(true);
    expect(read()?.signalFrames).toEqual(toldByAll());
    expect(read()?.gaps).toEqual([]);
  });

  it('may count on more than one before it', () => {
    takeIncremental(0);
    renameSync(at('before'), at('first'));
    cpSync(images(), at('before'), { recursive: true, verbatimSymlinks: true });
    rmSync(at('before', 'parent'));
    symlinkSync('../first', at('before', 'parent'));
    expect(read()?.signalFrames).toEqual(toldByAll());
    expect(read()?.gaps).toEqual([]);
    rmSync(at('first', 'pages-1.img'));
    expect(read()?.gaps).toEqual([{ file: 'parent/parent/pages-1.img', gap: 'missing' }]);
  });

  it.each<[string, string, string, () => void]>([
    ['no map', 'pagemap-5001.img', 'missing', () => rmSync(at('before', 'pagemap-5001.img'))],
    ['no pages', 'pages-1.img', 'missing', () => rmSync(at('before', 'pages-1.img'))],
    ['pages cut off', 'pages-1.img', 'size', () => truncateSync(at('before', 'pages-1.img'), 4096)],
    [
      'other pages',
      'pagemap-5001.img',
      'base',
      () =>
        writeFileSync(
          at('before', 'pagemap-5001.img'),
          pagemapImage(1, [{ address: 0x10000n, pages: 1 }]),
        ),
    ],
  ])('with %s in the one before is incomplete', (_, file, gap, spoil) => {
    takeIncremental(0);
    spoil();
    expect(read()?.signalFrames.known).toBe(false);
    expect(read()?.gaps).toEqual([{ file: `parent/${file}`, gap }]);
    expect(severities()).toEqual(['unknown']);
  });

  it('that is said to be before itself is refused', () => {
    takeIncremental(0);
    rmSync(at('images', 'parent'));
    symlinkSync('.', at('images', 'parent'));
    expect(read).toThrow('dumps before it');
  });
});

describe("what is no dump's folder says what it is", () => {
  it('where tasks were only dumped ahead of a dump, or a dump has failed', () => {
    take('haswell');
    rmSync(at('images', 'pstree.img'));
    expect(() => readImageFolder(images())).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('pre-dump') }),
    );
  });
});

describe('a zombie', () => {
  it('has whatever CRIU left as its threads', () => {
    take('haswell');
    writeFileSync(at('images', 'core-5002.img'), core({ state: 6 }));
    for (const threads of [[337_395_248], [5003], [], [0]]) {
      const tree = [
        { pid: 5001, threads: [5001, 5003] },
        { pid: 5002, parent: 5001, threads },
      ];
      writeFileSync(at('images', 'pstree.img'), pstree(tree));
      const read = readImageFolder(images());
      expect(read.processes.map(({ isAlive }) => isAlive)).toEqual([true, false]);
      expect(gate(read, hostOf(HASWELL)).images.threads).toBe(2);
    }
  });

  it('is no excuse for one that lives', () => {
    take('haswell');
    for (const threads of [[5003], [5001, 5003, 5003], [5001, 0]]) {
      writeFileSync(at('images', 'pstree.img'), pstree([{ pid: 5001, threads }]));
      expect(() => readImageFolder(images())).toThrow(InputError);
    }
  });
});

describe('an image that is needed', () => {
  it.each(['inventory.img', 'pstree.img', 'core-5001.img', 'core-5003.img'])(
    '%s and is missing, a link, a folder or too large is an error',
    (name) => {
      take('haswell');
      const place = at('images', name);
      renameSync(place, at('elsewhere'));
      expect(() => readImageFolder(images())).toThrow('is missing');
      symlinkSync(at('elsewhere'), place);
      expect(() => readImageFolder(images())).toThrow('links in a folder of images');
      rmSync(place);
      mkdirSync(place);
      expect(() => readImageFolder(images())).toThrow('is not a regular file');
      rmSync(place, { recursive: true });
      writeFileSync(place, '');
      truncateSync(place, 65 * 1024 * 1024);
      expect(() => readImageFolder(images())).toThrow('larger than 64 MiB');
      rmSync(place);
      linkSync(at('elsewhere'), place);
      expect(readImageFolder(images()).processes).toHaveLength(1);
    },
  );

  it('and a folder that is none are errors', () => {
    expect(() => readImageFolder(at('nowhere'))).toThrow('is missing');
    writeFileSync(at('file'), '');
    expect(() => readImageFolder(at('file'))).toThrow('is not a folder');
    mkdirSync(images());
    expect(isDump(images())).toBe(false);
    expect(() => readImageFolder(images())).toThrow('is missing');
  });
});

describe('the record beside the images', () => {
  it('counts for the images that it was written for alone', () => {
    take('haswell');
    expect(readImageFolder(images()).record?.fingerprint).toBe(fingerprintImages(images()));
    const name = 'cpugate-record.json';
    cpSync(join(fixtures, 'nehalem', name), at('images', name));
    const read = readImageFolder(images());
    expect(read.record).toBeUndefined();
    expect(read.remarks).toHaveLength(1);
    expect(gate(read, hostOf(HASWELL)).images.source).toBe('cpuinfo');
  });

  it('damaged is an error, and not passed over', () => {
    take('haswell');
    writeFileSync(at('images', 'cpugate-record.json'), '{');
    expect(() => readImageFolder(images())).toThrow('not valid JSON');
  });

  it('or cpuinfo.img make the folder a host', () => {
    take('haswell');
    expect(readImageHost(images()).format).toBe('localhost');
    rmSync(at('images', 'cpugate-record.json'));
    expect(readImageHost(images()).format).toBe('criu');
    rmSync(at('images', 'inventory.img'));
    expect(readImageHost(images()).format).toBe('criu');
    rmSync(at('images', 'cpuinfo.img'));
    expect(() => readImageHost(images())).toThrow('holds no record of the CPU');
  });
});

describe("a file that the images name below the tasks' root", () => {
  const read = (path: string) => readMappedFile(folder, path, 1 << 24);

  beforeEach(() => {
    mkdirSync(at('lib'));
    writeFileSync(at('lib', 'ld.so'), 'linker');
    symlinkSync(at('lib'), at('lib64'));
    symlinkSync('/etc/hostname', at('lib', 'link'));
  });

  it('is read', () => {
    expect(Buffer.from(read('/lib/ld.so') ?? []).toString()).toBe('linker');
  });

  it.each([
    'lib/ld.so',
    '/lib64/ld.so',
    '/lib/link',
    '/lib',
    '/lib/../lib/ld.so',
    '/../x',
    '/no',
    '',
  ])('%s is not', (path) => {
    expect(read(path)).toBeUndefined();
  });

  it('is not where it is larger than any linker', () => {
    truncateSync(at('lib', 'ld.so'), 17 * 1024 * 1024);
    expect(read('/lib/ld.so')).toBeUndefined();
    chmodSync(at('lib', 'ld.so'), 0o644);
  });
});

describe('damage to any image', () => {
  const FILES = [
    'inventory.img',
    'pstree.img',
    'core-5001.img',
    'core-5003.img',
    'mm-5001.img',
    'pagemap-5001.img',
    'files.img',
    'cpuinfo.img',
    'cpugate-record.json',
  ];

  it('gives images that can be judged, or an InputError that names the file', () => {
    take('haswell');
    const whole = new Map(FILES.map((name) => [name, readFileSync(at('images', name))]));
    const edits = fc.array(fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 6 }), fc.nat(4)), {
      minLength: 1,
      maxLength: 3,
    });
    const target = hostOf(HASWELL);
    fc.assert(
      fc.property(fc.constantFrom(...FILES), edits, (name, changes) => {
        let bytes = whole.get(name) as Buffer;
        for (const [place, instead, gone] of changes) {
          const from = place % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, from), instead, bytes.subarray(from + gone)]);
        }
        writeFileSync(at('images', name), bytes);
        const spent = cpuTimer();
        try {
          const report = gate(readImageFolder(images()), target);
          expect(report.images.threads).toBeGreaterThan(0);
        } catch (error) {
          if (!isInputError(error)) throw error;
          expect(error.place.file?.startsWith(images())).toBe(true);
        } finally {
          expect(spent()).toBeLessThan(TOO_LONG);
          writeFileSync(at('images', name), whole.get(name) as Buffer);
        }
      }),
      { numRuns: 400 },
    );
  }, 120_000);
});
