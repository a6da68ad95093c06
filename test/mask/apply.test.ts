/** What a masked CPU answers. Masks and CPUs are written by hand; the arithmetic is native/include/cpugate_mask.h's. */
import { describe, expect, it } from 'vitest';
import { answerOf, applyMask, maskedAnswer } from '../../src/mask/apply.js';
import { findMaskRow, type Mask, type MaskRow } from '../../src/mask/mask.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';
import type { Registers } from '../../src/model/registers.js';

const NONE: Registers = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
const ALL = 0xffffffff;

function maskRow(leaf: number, keep: Partial<Registers>, set: Partial<Registers> = {}): MaskRow {
  return {
    leaf,
    firstSubleaf: 0,
    lastSubleaf: 2,
    perCpu: false,
    keep: { ...NONE, ...keep },
    set: { ...NONE, ...set },
  };
}

function maskOf(...rows: readonly MaskRow[]): Mask {
  const word = { keep: 0n, set: 0n };
  return { rows, hwcap: word, hwcap2: word, minSigStackBytes: 0, xcompPermitted: 0n, xcr0: 0n };
}

const INTEL = { ebx: 0x756e6547, ecx: 0x6c65746e, edx: 0x49656e69 };
const AMD = { ebx: 0x68747541, ecx: 0x444d4163, edx: 0x69746e65 };
const leafOf = (leaf: number, told: Partial<LeafRow>): LeafRow => ({
  leaf,
  subleaf: 0,
  ...NONE,
  ...told,
});

describe('an answer', () => {
  const mask = maskOf(
    maskRow(4, { eax: 0xff00ff00, edx: 0x80000000 }, { eax: 0x00000001, ebx: 0x80000002 }),
    { ...maskRow(7, { ebx: ALL }), firstSubleaf: 1, lastSubleaf: 1 },
  );
  const live = { eax: 0x12345678, ebx: ALL, ecx: ALL, edx: 0xc0000000 };

  it('is what is kept of the real one, and what is set', () => {
    expect(answerOf(mask, 4, 0, live)).toEqual({
      eax: 0x12005601,
      ebx: 0x80000002,
      ecx: 0,
      edx: 0x80000000,
    });
  });

  it.each([
    [4, 2, true],
    [4, 3, false],
    [5, 0, false],
    [7, 0, false],
    [7, 1, true],
    [7, 2, false],
  ])('of leaf %i.%i has a row: %s', (leaf, subleaf, has) => {
    expect(findMaskRow(mask, leaf, subleaf) !== undefined).toBe(has);
    if (!has) expect(answerOf(mask, leaf, subleaf, live)).toEqual(NONE);
  });
});

describe('a question behind the highest leaf', () => {
  // Intel's CPUs answer with their highest basic leaf (SDM vol. 2A, CPUID); AMD's with zeros.
  const mask = maskOf(maskRow(0x16, { eax: 0xff }), maskRow(0x40, { eax: 0xff00 }));
  const table = (vendor: Partial<Registers>) =>
    leafTable([
      leafOf(0, { eax: 0x16, ...vendor }),
      leafOf(0x40, { eax: 0xabcd }),
      leafOf(0x16, { eax: 0x1234 }),
    ]);

  it('shows no more than that leaf does on Intel', () => {
    expect(maskedAnswer(mask, table(INTEL), 0x40, 0).eax).toBe(0xcd);
    expect(maskedAnswer(mask, table(INTEL), 0x16, 0).eax).toBe(0x34);
  });

  it('shows nothing on AMD', () => {
    expect(maskedAnswer(mask, table(AMD), 0x40, 0)).toEqual(NONE);
  });

  it('is any other where the highest leaf was not told', () => {
    const untold = leafTable([leafOf(0x40, { eax: 0xabcd })]);
    expect(maskedAnswer(mask, untold, 0x40, 0).eax).toBe(0xab00);
    expect(maskedAnswer(mask, untold, 0x16, 0)).toEqual(NONE);
  });
});

describe('the leaves of a host under a mask', () => {
  const mask = maskOf(
    maskRow(0, { eax: ALL, ebx: ALL, ecx: ALL, edx: ALL }),
    maskRow(7, { ebx: 0xf0 }, { ecx: 5 }),
  );
  const told = { eax: 0, ebx: 0x30, ecx: 0, edx: ALL };
  const shown = (row: LeafRow) =>
    applyMask(mask, leafTable([leafOf(0, { eax: 0x20, ...INTEL }), row])).rows[1];

  it('are told where the CPU told them', () => {
    expect(shown(leafOf(7, { ebx: 0x123 }))).toEqual(leafOf(7, { ebx: 0x20, ecx: 5 }));
    expect(shown(leafOf(8, { eax: 1 }))).toEqual(leafOf(8, {}));
  });

  it('are told where the mask decides, and unknown in what it keeps of bits that were not told', () => {
    expect(shown(leafOf(7, { ebx: 0x20, known: told }))).toEqual(
      leafOf(7, { ebx: 0x20, ecx: 5, known: { eax: ALL, ebx: 0xffffff3f, ecx: ALL, edx: ALL } }),
    );
    expect(shown(leafOf(7, { known: { ...told, ebx: 0xf1 } }))).toEqual(leafOf(7, { ecx: 5 }));
    expect(shown(leafOf(8, { known: NONE }))).toEqual(leafOf(8, {}));
  });
});
