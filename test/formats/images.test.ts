import { describe, expect, it } from 'vitest';
import { openInput } from '../../src/formats/format.js';
import { readCore } from '../../src/formats/images/core.js';
import {
  coversInParent,
  highestAddress,
  readMappedFiles,
  readMemoryMap,
  readPageMap,
} from '../../src/formats/images/memory-map.js';
import { checkInventory, checkThreads, readTree } from '../../src/formats/images/tree.js';
import { InputError } from '../../src/model/errors.js';
import { type Field, message, text } from './criu-bytes.js';
import {
  ANONYMOUS,
  core,
  FILE,
  imageFile,
  inventory,
  type MappingPlan,
  mm,
  numbers,
  pstree,
  type XsavePlan,
} from './image-bytes.js';
import { pagemapImage, wholeMap } from './image-pages.js';

const input = (bytes: Uint8Array) => openInput('an.img', bytes);

describe('inventory.img and pstree.img', () => {
  it('of the versions that exist are read', () => {
    for (const version of [1, 2]) checkInventory(input(inventory(version)));
    for (const version of [0, 3, 1000])
      expect(() => checkInventory(input(inventory(version)))).toThrow(`version ${version}`);
  });

  it('name processes and threads', () => {
    const tree = [
      { pid: 10, threads: [10, 11, 12] },
      { pid: 20, parent: 10 },
    ];
    expect(readTree(input(pstree(tree)))).toEqual([
      { pid: 10, parent: 0, threads: [10, 11, 12] },
      { pid: 20, parent: 10, threads: [20] },
    ]);
  });

  it.each<[string, Uint8Array]>([
    ['no process', pstree([])],
    ['a process twice', pstree([{ pid: 10 }, { pid: 10 }])],
    ['a pid that is too large', pstree([{ pid: 4_194_305 }])],
    ['pid 0', pstree([{ pid: 0 }])],
    ['another magic', inventory()],
    ['a cut record', pstree([{ pid: 10 }]).subarray(0, -1)],
    ['half a length', pstree([{ pid: 10 }]).subarray(0, 10)],
    ['nothing', new Uint8Array()],
  ])('%s is refused', (_, bytes) => {
    expect(() => readTree(input(bytes))).toThrow(InputError);
  });

  it.each<[string, Uint8Array]>([
    ['a thread twice', pstree([{ pid: 10, threads: [10, 11, 11] }])],
    ['a thread of two processes', pstree([{ pid: 10, threads: [10, 11] }, { pid: 11 }])],
    ['a process without its leader', pstree([{ pid: 10, threads: [11] }])],
    ['thread 0', pstree([{ pid: 10, threads: [10, 0] }])],
  ])('%s is refused of processes that live', (_, bytes) => {
    const tree = input(bytes);
    expect(() => checkThreads(tree, readTree(tree))).toThrow(InputError);
  });
});

const xsaveOf = (xsave: XsavePlan) => readCore(input(core({ xsave })), 7).thread?.xsave;
const ALL_AVX512 = {
  ymm: numbers(64, 0n),
  opmask: numbers(8, 0n),
  zmm: numbers(64, 0n),
  hi16: numbers(128, 0n),
};

describe('core-TID.img', () => {
  it('gives the place that the thread runs at, to the last bit', () => {
    const rsp = 0x00ffffffffffff38n;
    const rip = 0xffffffffff600123n;
    const { thread, comm, isAlive } = readCore(input(core({ rsp, rip, state: 1 })), 7);
    expect(thread).toEqual({ tid: 7, compat: false, rsp, rip, xsave: undefined });
    expect({ comm, isAlive }).toEqual({ comm: 't', isAlive: true });
    expect(readCore(input(core({ compat: true })), 7).thread?.compat).toBe(true);
  });

  // Zero is the initial state of each (SDM vol. 1, 13.6): XSTATE_BV may name it all the same.
  it.each<[string, XsavePlan, inUse: bigint]>([
    ['x87 and SSE alone', { bv: 3n }, 3n],
    ['upper halves of zeros', { bv: 7n, ymm: numbers(64, 0n) }, 3n],
    ['upper halves that hold something', { bv: 7n, ymm: [...numbers(63, 0n), 1n] }, 7n],
    ['AVX-512 of zeros', { bv: 0xe7n, ...ALL_AVX512 }, 3n],
    ['a mask register', { bv: 0xe7n, ...ALL_AVX512, opmask: [1n, ...numbers(7, 0n)] }, 0x23n],
    ['a 64-bit value', { bv: 0xe7n, ...ALL_AVX512, zmm: numbers(64, 1n << 63n) }, 0x43n],
    ["PKRU as Linux sets it for each task, and nobody's choice", pkru(0x55555554n), 3n],
    ['PKRU with an open key', pkru(0x55555550n), 0x203n],
    ['state that XSTATE_BV does not name', { bv: 3n, ymm: numbers(64, 1n) }, 3n],
  ])('%s', (_, plan, inUse) => {
    expect(xsaveOf(plan)).toEqual({ xstateBv: plan.bv, inUse, lost: 0n });
  });

  function pkru(value: bigint): XsavePlan {
    return { bv: 0x203n, pkru: [value, 0n] };
  }

  it('tells state that CRIU has not saved, AMX for one, as lost and in use', () => {
    const amx = 3n << 17n;
    expect(xsaveOf({ bv: 3n | amx })).toEqual({ xstateBv: 3n | amx, inUse: 3n | amx, lost: amx });
    expect(xsaveOf({ bv: 7n, ymm: numbers(63, 0n) })?.lost).toBe(4n);
    expect(xsaveOf({ bv: 7n })).toEqual({ xstateBv: 7n, inUse: 7n, lost: 4n });
  });

  it('of a zombie has no registers', () => {
    const zombie = imageFile('core', [
      message([
        [1, 1],
        [
          3,
          message([
            [1, 2],
            [6, text('gone')],
          ]),
        ],
      ]),
    ]);
    expect(readCore(input(zombie), 7)).toEqual({
      comm: 'gone',
      isAlive: false,
      isStopped: false,
      thread: undefined,
    });
  });

  it.each<[string, Uint8Array]>([
    ['another architecture', core({ machine: 3 })],
    ['no registers', imageFile('core', [message([[1, 1]])])],
    ['no machine', imageFile('core', [message([])])],
    ['two records', imageFile('core', [message([[1, 1]]), message([[1, 1]])])],
    ['too much state', core({ xsave: { bv: 7n, ymm: numbers(65, 0n) } })],
    ['a name without end', core({ state: 1, comm: new Uint8Array(100) })],
    ['a cut-off end', core({}).subarray(0, -3)],
  ])('with %s is refused', (_, bytes) => {
    expect(() => readCore(input(bytes), 7)).toThrow(InputError);
  });
});

describe('mm-PID.img', () => {
  it('gives mappings and the auxiliary vector up to its end', () => {
    const { mappings, auxv } = wholeMap(
      input(
        mm(
          [
            { start: 0x400000n, end: 0x401000n, file: 3, prot: 5, status: FILE },
            { start: 0x7ff000n, end: 0x800000n, status: ANONYMOUS },
            { start: 0x800000n, end: 0x801000n, status: 1 | (1 << 8) },
          ],
          [
            [51, 1776n],
            [7, 0x7f0000000000n],
            [0, 0n],
            [26, 2n],
          ],
        ),
      ),
    );
    expect(mappings.map(({ kind, file, prot }) => [kind, file, prot])).toEqual([
      ['file', 3, 5],
      ['anonymous', 0, 3],
      ['other', 0, 3],
    ]);
    expect([...auxv]).toEqual([
      [51, 1776n],
      [7, 0x7f0000000000n],
    ]);
  });

  it.each<[string, (readonly [start: bigint, end: bigint])[], bigint]>([
    [
      'of the stack',
      [
        [0x400000n, 0x401000n],
        [0x7ffd12300000n, 0x7ffd12321000n],
      ],
      0x7ffd12321000n,
    ],
    [
      'above 2^47',
      [
        [0x400000n, 0x401000n],
        [0x800000000000n, 0x800000001000n],
      ],
      0x800000001000n,
    ],
    [
      'but for the page of vsyscall, which the kernel has',
      [
        [0x400000n, 0x401000n],
        [0xffffffffff600000n, 0xffffffffff601000n],
      ],
      0x401000n,
    ],
    ['of none', [], 0n],
  ])('gives the end of the highest mapping: %s', (_, ranges, highest) => {
    const map = readMemoryMap(input(mm(ranges.map(([start, end]) => ({ start, end })))));
    expect(map && highestAddress(map)).toBe(highest);
  });

  it.each<[string, Uint8Array]>([
    ['an empty mapping', mm([{ start: 0x1000n, end: 0x1000n }])],
    ['a mapping of half a page', mm([{ start: 0x1000n, end: 0x1800n }])],
  ])('%s is refused', (_, bytes) => {
    expect(() => readMemoryMap(input(bytes))).toThrow(InputError);
  });

  // CRIU 4.2, criu/include/image.h: VMA_AREA_GUARD.
  const guard = (start: bigint, end: bigint) => ({ start, end, prot: 0, status: 1 << 16 });
  it.each<[string, readonly MappingPlan[]]>([
    ['behind all mappings', [guard(0x2000n, 0x3000n)]],
    ['twice', [guard(0x2000n, 0x3000n), guard(0x1000n, 0x2000n)]],
  ])('has no mappings for pages that are guards, written %s', (_, guards) => {
    const own = [
      { start: 0x1000n, end: 0x4000n },
      { start: 0x8000n, end: 0x9000n },
    ];
    const map = readMemoryMap(input(mm([...own, ...guards])));
    expect(map?.mappings.map(({ start, end }) => ({ start, end }))).toEqual(own);
  });

  it.each<[string, readonly MappingPlan[]]>([
    [
      'over one another',
      [
        { start: 0x1000n, end: 0x3000n },
        { start: 0x2000n, end: 0x4000n },
      ],
    ],
    [
      'out of order',
      [
        { start: 0x5000n, end: 0x6000n },
        { start: 0x2000n, end: 0x4000n },
      ],
    ],
  ])('is of an unknown form where mappings lie %s', (_, mappings) => {
    expect(readMemoryMap(input(mm(mappings)))).toBeUndefined();
  });
});

describe('pagemap-PID.img', () => {
  it('places each run behind those that the dump holds', () => {
    const runs = [
      { address: 0x1000n, pages: 2 },
      { address: 0x5000n, pages: 1, flags: 1 },
      { address: 0x9000n, pages: 3, flags: 6 },
    ];
    expect(readPageMap(input(pagemapImage(4, runs)))).toEqual({
      pagesId: 4,
      bytes: 5 * 4096,
      usesParent: true,
      runs: [
        { address: 0x1000n, pages: 2, at: 0, isInParent: false },
        { address: 0x5000n, pages: 1, at: undefined, isInParent: true },
        { address: 0x9000n, pages: 3, at: 8192, isInParent: false },
      ],
    });
  });

  it.each<[string, [bigint, number][], [bigint, number][], boolean]>([
    ['the same pages', [[0x1000n, 2]], [[0x1000n, 2]], true],
    ['more than they need', [[0x2000n, 1]], [[0x1000n, 9]], true],
    [
      'them in several runs',
      [[0x1000n, 3]],
      [
        [0x1000n, 1],
        [0x2000n, 2],
      ],
      true,
    ],
    [
      'several of them in one run',
      [
        [0x1000n, 1],
        [0x3000n, 1],
      ],
      [[0x1000n, 9]],
      true,
    ],
    [
      'others before and behind',
      [[0x5000n, 1]],
      [
        [0x1000n, 1],
        [0x5000n, 1],
        [0x9000n, 1],
      ],
      true,
    ],
    ['nothing, where nothing is left to it', [], [], true],
    ['nothing', [[0x1000n, 1]], [], false],
    ['a page too few', [[0x1000n, 3]], [[0x1000n, 2]], false],
    ['a page too few at the begin', [[0x1000n, 3]], [[0x2000n, 2]], false],
    [
      'a hole',
      [[0x1000n, 3]],
      [
        [0x1000n, 1],
        [0x3000n, 1],
      ],
      false,
    ],
    [
      'the first alone',
      [
        [0x1000n, 1],
        [0x9000n, 1],
      ],
      [[0x1000n, 1]],
      false,
    ],
  ])('of the dump before with %s', (_, child, parent, covers) => {
    const mapOf = (runs: [bigint, number][], flags: number) => {
      const plans = runs.map(([address, pages]) => ({ address, pages, flags }));
      const map = readPageMap(input(pagemapImage(1, plans)));
      if (map === undefined) throw new Error('is of a known form');
      return map;
    };
    expect(coversInParent(mapOf(child, 1), mapOf(parent, 4))).toBe(covers);
  });

  it('of old, without flags, holds what is not in the dump before', () => {
    const entry = (fields: Field[]) => message([[1, 0x1000n], [2, 1], ...fields]);
    const map = (fields: Field[]) =>
      readPageMap(input(imageFile('pagemap', [message([[1, 1]]), entry(fields)])));
    expect(map([])?.bytes).toBe(4096);
    expect(map([[3, 1]])?.bytes).toBe(0);
  });

  it('with something that is not known says nothing', () => {
    const entry = (fields: Field[]) =>
      imageFile('pagemap', [message([[1, 1]]), message([[1, 0x1000n], [2, 1], ...fields])]);
    expect(readPageMap(input(entry([[4, 12]])))).toBeUndefined();
    expect(readPageMap(input(entry([[9, 1]])))).toBeUndefined();
  });

  it.each<[string, Uint8Array]>([
    ['nothing', imageFile('pagemap', [])],
    ['no number of pages-ID.img', imageFile('pagemap', [message([])])],
    ['half a page', pagemapImage(1, [{ address: 0x1800n, pages: 1 }])],
    [
      'runs over one another',
      pagemapImage(1, [
        { address: 0x1000n, pages: 2 },
        { address: 0x2000n, pages: 1 },
      ]),
    ],
    ['no address', imageFile('pagemap', [message([[1, 1]]), message([[2, 1]])])],
  ])('%s is refused', (_, bytes) => {
    expect(() => readPageMap(input(bytes))).toThrow(InputError);
  });
});

describe('files.img and reg-files.img', () => {
  const regular = message([
    [1, 3],
    [6, text('/lib/ld.so')],
    [8, 210_968],
    [11, 0x04030201],
    [11, 0x88776655],
  ]);
  const expected = {
    path: '/lib/ld.so',
    size: 210_968,
    buildId: Uint8Array.from([1, 2, 3, 4, 0x55, 0x66, 0x77, 0x88]),
  };

  it('name mapped files', () => {
    const entry = message([
      [1, 1],
      [2, 3],
      [3, regular],
    ]);
    const pipe = message([
      [1, 2],
      [2, 4],
      [18, message([[1, 4]])],
    ]);
    const files = readMappedFiles(input(imageFile('files', [entry, pipe])), 'files');
    expect([...files]).toEqual([[3, expected]]);
    const old = readMappedFiles(input(imageFile('reg-files', [regular])), 'reg-files');
    expect([...old]).toEqual([[3, expected]]);
  });
});
