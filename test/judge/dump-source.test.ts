/** Whose CPU and mask a dump is of, by what its folder holds. AT_HWCAP2 is 26 and AT_MINSIGSTKSZ 51 (Linux uapi auxvec.h). */
import { describe, expect, it } from 'vitest';
import { findSource } from '../../src/judge/dump-source.js';
import type { DumpRecord, RecordedMask } from '../../src/model/dump-record.js';
import type { ImageFolder, ImageProcess } from '../../src/model/image-folder.js';
import { HASWELL, hostOf } from '../hosts.js';
import { idleProcess } from '../image-processes.js';

function process(...auxv: (readonly [number, bigint])[]): ImageProcess {
  return idleProcess({ auxv: new Map(auxv) });
}

function maskOf(name: string, minSigStackBytes: number | undefined): RecordedMask {
  const sizes = { areaBytes: 832, offeredBytes: 832, compactedBytes: 900, subleaves: undefined };
  const floors = { ...sizes, minSigStackBytes };
  return { name, features: HASWELL.features, avx10Version: undefined, xcr0: 7n, floors };
}

function recordOf(mask: RecordedMask | undefined, system = {}): DumpRecord {
  return {
    taken: '2026-01-01T00:00:00Z',
    cpugate: '0.1.0',
    fingerprint: '',
    host: { ...hostOf({ ...HASWELL, name: 'recorded' }), system },
    mask,
    enforcement: mask === undefined ? 'none' : 'cpuid-faulting',
    stopped: [],
    criu: '3.17.1',
  };
}

function folder(parts: Partial<ImageFolder>): ImageFolder {
  return {
    name: 'images',
    rootPid: 7,
    processes: [],
    cpuinfo: undefined,
    record: undefined,
    fingerprint: '',
    remarks: ['read'],
    gaps: [],
    ...parts,
  };
}

const cpuinfo = { ...hostOf({ ...HASWELL, name: 'stored' }), system: {} };

describe('the host of a dump', () => {
  it.each<[string, Partial<ImageFolder>, string, number]>([
    [
      'the record',
      { record: recordOf(undefined), cpuinfo: hostOf({ features: [] }) },
      'record',
      10,
    ],
    ['cpuinfo.img without a record', { cpuinfo }, 'cpuinfo', 10],
    ['nothing without either', {}, 'none', 0],
  ])('is told by %s', (_, parts, kind, leastRows) => {
    const source = findSource(folder(parts), [], undefined);
    expect(source).toMatchObject({
      kind,
      host: { name: 'images' },
      mask: undefined,
      remarks: ['read'],
    });
    const rows = source.host.cpus[0]?.leaves.rows.length ?? -1;
    expect(rows >= leastRows && (leastRows > 0 || rows === 0)).toBe(true);
  });

  it('has the smallest frame that any process was told, whatever the record says', () => {
    const record = recordOf(undefined, { minSigStackBytes: 4000, kernel: '6.1.0' });
    const alive = [process([51, 3632n]), process(), process([51, 1776n])];
    expect(findSource(folder({ record }), alive, undefined).host.system).toMatchObject({
      minSigStackBytes: 1776,
      kernel: '6.1.0',
    });
    expect(findSource(folder({ record }), [process()], undefined).host.system).toMatchObject({
      minSigStackBytes: 4000,
    });
  });

  it('has what any process was told of AT_HWCAP2, unless a record says it', () => {
    const alive = [process([26, 2n]), process([26, 1n])];
    expect(findSource(folder({ cpuinfo }), alive, undefined).host.system).toEqual({ hwcap2: 3n });
    const record = recordOf(undefined, { hwcap2: 0n });
    expect(findSource(folder({ record }), alive, undefined).host.system).toEqual({ hwcap2: 0n });
    expect(findSource(folder({ cpuinfo }), [process()], undefined).host.system).toEqual({});
  });
});

describe('the mask of a dump', () => {
  const claimed = maskOf('claimed.json', 5000);
  const frame = (parts: Partial<ImageFolder>, alive: ImageProcess[], mask?: RecordedMask) =>
    findSource(folder(parts), alive, mask).mask?.floors;

  it("is the record's, or what is claimed where there is no record", () => {
    const masked = folder({ record: recordOf(maskOf('cluster.json', 3632)) });
    expect(findSource(masked, [], undefined).mask?.name).toBe('cluster.json');
    expect(findSource(masked, [], undefined).remarks).toEqual(['read']);
    expect(findSource(masked, [], claimed)).toMatchObject({
      mask: { name: 'cluster.json' },
      remarks: [
        'read',
        'The record says that the tasks ran under cluster.json; --mask is ignored.',
      ],
    });
    const bare = findSource(folder({ record: recordOf(undefined) }), [], claimed);
    expect(bare.mask).toBeUndefined();
    expect(bare.remarks[1]).toBe(
      'The record says that the tasks ran without a mask; --mask is ignored.',
    );
    const none = findSource(folder({ cpuinfo }), [], claimed);
    expect(none).toMatchObject({ mask: { name: 'claimed.json' }, remarks: ['read'] });
  });

  it('that tasks came under while they ran is none, and what that means is said', () => {
    const record = { ...recordOf(undefined), cameUnder: 'cluster.json' };
    const source = findSource(folder({ record }), [], undefined);
    expect(source).toMatchObject({ mask: undefined, dumpedOn: 'recorded' });
    expect(source.remarks[1]).toMatch(
      /^Tasks came under the mask of cluster.json while they ran: .* all of recorded's CPU counts/,
    );
  });

  it.each<[string, number | undefined, bigint | undefined, number | undefined]>([
    ['the larger of both: the mask', 3632, 1776n, 3632],
    ['the larger of both: the kernel', 1776, 3632n, 3632],
    ['the mask where no process was told', 3632, undefined, 3632],
    ["the kernel's where the mask has none", undefined, 1776n, 1776],
    ['none where neither is known', undefined, undefined, undefined],
  ])('under a record shows a frame of %s', (_, shown, told, bytes) => {
    const record = recordOf(maskOf('cluster.json', shown));
    const alive = told === undefined ? [process()] : [process([51, told])];
    expect(frame({ record }, alive)).toEqual({
      areaBytes: 832,
      offeredBytes: 832,
      compactedBytes: 900,
      subleaves: undefined,
      minSigStackBytes: bytes,
    });
  });

  it('that is only claimed does not raise what processes were told', () => {
    expect(frame({ cpuinfo }, [process([51, 1776n])], claimed)?.minSigStackBytes).toBe(1776);
    expect(frame({ cpuinfo }, [process()], claimed)?.minSigStackBytes).toBe(5000);
  });
});
