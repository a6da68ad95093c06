/** Layouts of Intel SDM vol. 1, 13.4.3, and sizes as glibc's sources reckon them. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { describeHost } from '../../src/model/capabilities.js';
import { bufferOf, GLIBC_SAVES, savesOfRelease } from '../../src/model/glibc-saves.js';
import {
  holdsPacked,
  type PackedBuffer,
  type PackedFit,
  packedEnds,
} from '../../src/model/packed-area.js';
import { ALL_KNOWN_64, type Known64 } from '../../src/model/registers.js';
import { PRESENT } from '../../src/model/xsave.js';
import { probeHost } from '../../src/probe/index.js';
import { type HostPlan, INTEL_AVX512, type Place, seen, V4, YMM } from '../hosts.js';

const MPX: Readonly<Record<number, Place>> = { 3: [64, 960], 4: [64, 1024] };
const AMX: Readonly<Record<number, Place>> = { 17: [64, 2752], 18: [8192, 2816] };

function host(places: Readonly<Record<number, Place>>, mask: bigint): HostPlan {
  return { features: V4, places, mask, areaBytes: 2696 };
}

const NO_MPX = host(INTEL_AVX512, 0xe7n);
const WITH_MPX = host({ ...INTEL_AVX512, ...MPX }, 0xffn);
/** A kernel that leaves MPX off on the same CPU. */
const MPX_SHOWN = host({ ...INTEL_AVX512, ...MPX }, 0xe7n);
const YMM_ONLY = host(YMM, 0x7n);
const WITH_AMX = host({ ...INTEL_AVX512, ...AMX }, 0x600e7n);

describe('components in the compacted format', () => {
  const place = (bit: number, size: number, aligned = false) => ({ bit, size, aligned });
  test.each([
    ['only the legacy ones', [place(0, 160), place(1, 256)], []],
    ['one', [place(2, 256)], [[2, 832]]],
    [
      'one behind the other, whatever lies between in the standard format',
      [place(2, 256), place(5, 64), place(6, 512), place(7, 1024)],
      [
        [2, 832],
        [5, 896],
        [6, 1408],
        [7, 2432],
      ],
    ],
    [
      'aligned ones on the next multiple of 64',
      [place(2, 256), place(9, 8), place(17, 64, true), place(19, 128)],
      [
        [2, 832],
        [9, 840],
        [17, 960],
        [19, 1088],
      ],
    ],
  ])('%s', (_, components, ends) => {
    expect([...packedEnds(components)]).toEqual(ends);
    expect([...packedEnds([...components].reverse())]).toEqual(ends);
  });
});

describe('what CPUID shows', () => {
  const bits = (plan: HostPlan, others: readonly HostPlan[] = []) =>
    seen(plan, others).xsave.shown.map(({ bit, size, isKnown }) => [bit, size, isKnown]);

  it('counts whatever the OS enabled', () => {
    expect(bits(MPX_SHOWN)).toEqual([
      [2, 256, true],
      [3, 64, true],
      [4, 64, true],
      [5, 64, true],
      [6, 512, true],
      [7, 1024, true],
    ]);
  });
  it('has nothing of components that the CPU does not offer', () => {
    expect(bits(YMM_ONLY)).toEqual([[2, 256, true]]);
  });
  it('has offered components whose subleaves a dump lacks, in the size of their registers', () => {
    expect(bits(host(YMM, 0xe7n))).toEqual([
      [2, 256, true],
      [5, 64, true],
      [6, 512, true],
      [7, 1024, true],
    ]);
  });
  it('is not known without leaf 0xD', () => {
    const { areaBytes: _, ...vague } = { ...YMM_ONLY, places: {}, maskUntold: true as const };
    const shown = bits(vague);
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.every(([, , isKnown]) => isKnown === false)).toBe(true);
  });
  it('is not known where CPUs of one host differ', () => {
    const shown = bits(MPX_SHOWN, [NO_MPX]);
    expect(shown).toContainEqual([3, 64, false]);
    expect(shown).toContainEqual([5, 64, true]);
  });
  it('is nothing without XSAVE', () => {
    expect(bits({ features: ['fpu', 'sse'], places: {}, areaBytes: 0 })).toEqual([]);
  });
});

/** ALIGN_UP (sum + registers, 64) less the 64 bytes before the area; 32-bit code has the area first. */
describe('room that glibc reserves', () => {
  const [old, lazy, tls, narrow] = GLIBC_SAVES;
  test.each([
    ['before 2.40, AVX', old, YMM_ONLY, 832],
    ['before 2.40, AVX-512', old, NO_MPX, 2432],
    ['before 2.40, with MPX that is off', old, MPX_SHOWN, 2496],
    ['before 2.40, whatever AMX there is', old, WITH_AMX, 2432],
    ['since 2.40, AVX-512: 2432 + 88 make 2560', lazy, NO_MPX, 2496],
    ['since 2.40, with MPX', lazy, WITH_MPX, 2560],
    ['since 2.40, AVX: 832 + 88 make 960', lazy, YMM_ONLY, 896],
    ['TLS descriptors, AMX: 10688 + 88 make 10816', tls, WITH_AMX, 10752],
    ['32-bit code, which has no upper ZMM registers', narrow, NO_MPX, 1408],
  ])('%s', (_, save, plan, bytes) => {
    const room = bufferOf(save!, seen(plan).xsave.shown);
    expect(room).toMatchObject({ least: bytes, most: bytes });
  });
  it('has limits where it is not known what was shown', () => {
    const { shown } = seen(MPX_SHOWN, [NO_MPX]).xsave;
    expect(bufferOf(old!, shown)).toMatchObject({ least: 2432, most: 2496 });
  });
  test.each([
    ['2.36', ['0xee']],
    ['2.39-0ubuntu8', ['0xee', '0x800ee', '0xe00ee']],
    ['2.41', ['0x800ee', '0xe00ee']],
    ['2.9', []],
    ['musl', undefined],
    [undefined, undefined],
  ])('of release %s', (version, sets) => {
    const saves = savesOfRelease(version)?.map(({ components }) => `0x${components.toString(16)}`);
    expect(saves).toEqual(sets);
  });

  const linker = '/lib64/ld-linux-x86-64.so.2';
  const diagnostics = (): string | undefined => {
    if (process.arch !== 'x64' || !existsSync(linker)) return undefined;
    try {
      return execFileSync(linker, ['--list-diagnostics'], { encoding: 'utf8' });
    } catch {
      return undefined;
    }
  };
  const said = /^x86\.cpu_features\.xsave_state_size=0x([0-9a-f]+)$/m.exec(diagnostics() ?? '');
  test.skipIf(said === null)("is what this machine's glibc says", () => {
    const here = describeHost(probeHost({ faulting: false }));
    if (here.effective('xsavec') !== PRESENT) return;
    const saves = savesOfRelease(here.system.glibc?.version)?.filter(
      ({ what }) => what === 'lazy binding',
    );
    const sizes = saves?.map((save) => bufferOf(save, here.xsave.shown).least + 64);
    expect(sizes).toContain(Number.parseInt(said?.[1] ?? '', 16));
  });
});

const known = (value: bigint): Known64 => ({ value, known: ALL_KNOWN_64 });

describe('a buffer of the source', () => {
  const room = (bytes: number, most = bytes): PackedBuffer => ({
    components: 0xeen,
    least: bytes,
    most,
  });
  test.each<[string, PackedBuffer, Known64, HostPlan, PackedFit, number | undefined]>([
    ['holds what the source has', room(2432), known(0xe7n), NO_MPX, 'fits', undefined],
    ['holds less than it has room for', room(2496), known(0xe7n), NO_MPX, 'fits', undefined],
    ['lacks 64 bytes where MPX comes before', room(2432), known(0xe7n), WITH_MPX, 'overrun', 7],
    ['has them where CPUID showed MPX', room(2496), known(0xe7n), WITH_MPX, 'fits', undefined],
    [
      'is too small by MPX that is shown, not enabled',
      room(2432),
      known(0xe7n),
      MPX_SHOWN,
      'fits',
      undefined,
    ],
    ['ends before what the source lacks', room(832), known(0x7n), NO_MPX, 'behind', 5],
    ['of AVX alone ends before MPX', room(832), known(0x7n), WITH_MPX, 'behind', 3],
    ['of unknown size may be too small', room(2432, 2496), known(0xe7n), WITH_MPX, 'unknown', 7],
    [
      'of unknown size is large enough all the same',
      room(2432, 2496),
      known(0xe7n),
      NO_MPX,
      'fits',
      undefined,
    ],
    [
      'of a source that may use AVX-512 may be',
      room(832),
      { value: 7n, known: 7n },
      NO_MPX,
      'unknown',
      5,
    ],
    ['is never asked for PKRU or tiles', room(2432), known(0x602e7n), WITH_AMX, 'fits', undefined],
  ])('%s', (_, buffer, inUse, target, fit, component) => {
    const answer = holdsPacked(buffer, inUse, seen(target).xsave);
    expect([answer.fit, answer.component]).toEqual([fit, component]);
  });
  it('may be too small where the target does not say what it enables', () => {
    const target = { enabled: { value: 0xe7n, known: 0xe7n }, components: [] };
    expect(holdsPacked(room(2432), known(0xe7n), target)).toMatchObject({
      fit: 'unknown',
      component: 7,
      written: 2496,
    });
  });
});
