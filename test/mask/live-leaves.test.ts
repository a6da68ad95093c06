import { describe, expect, it } from 'vitest';
import { FEATURES, REGISTERS, ROWS } from '../../src/catalogue/index.js';
import { SUBLEAVES } from '../../src/catalogue/subleaves.js';
import { LIVE_LEAVES } from '../../src/mask/live-leaves.js';
import { ALL_SUBLEAVES } from '../../src/mask/mask.js';
import { isShown } from '../../src/mask/shown-bits.js';

const all = new Set(FEATURES.map(({ name }) => name));

describe('a leaf that counts its subleaves in EAX, with features that a mask shows', () => {
  const leaves = SUBLEAVES.filter(({ rule }) => rule === 'up-to-eax')
    .map(({ leaf }) => leaf)
    .filter((leaf) => ROWS.some((row) => row.leaf === leaf && isShown(row, all)));

  it('is there', () => expect(leaves).toEqual(expect.arrayContaining([0x7, 0x1e, 0x24, 0x29])));

  // Intel PT's leaf shows one bit: what a task uses of it is PTWRITE, in subleaf 0.
  it.each(leaves.filter((leaf) => leaf !== 0x14))('%d goes on counting', (leaf) => {
    const live = LIVE_LEAVES.filter((one) => one.leaf === leaf);
    expect(
      live.some(
        ({ subleaves = [0], registers = ['eax'] }) =>
          subleaves[0] === 0 && registers.includes('eax'),
      ),
    ).toBe(true);
  });
});

/**
 * By Intel SDM vol. 2A and AMD APM vol. 3 appendix E: what of CPUID is a number, a name or a place, on which no instruction
 * depends. Leaf, subleaves, registers, the feature without which it means nothing, and "own" where the CPUs of one host
 * differ. Not here: 3, 6, 0xF, 0x10, 0x14 (but one bit), 0x19, 0x1B, 0x1C, 0x20 to 0x23, 0x8000000A, 0x8000001F, 0x80000021 …
 */
const EXPECTED = `
  0x0 * abcd
  0x1 * ab
  0x2 * abcd - own
  0x4 * abcd - own
  0x5 * abcd
  0x7 0-0 a
  0xa * abcd - own
  0xb * abcd
  0x12 0-0 d sgx
  0x12 2-* abcd sgx
  0x15 * abcd
  0x16 * abcd
  0x17 * abcd
  0x18 * abcd - own
  0x1a * abcd - own
  0x1d 0-1 abcd amx_tile
  0x1e 0-0 abcd amx_tile
  0x1f * abcd
  0x24 0-0 a avx10
  0x29 0-0 a apx
  0x80000000 * abcd
  0x80000001 * ab
  0x80000002 * abcd
  0x80000003 * abcd
  0x80000004 * abcd
  0x80000005 * abcd
  0x80000006 * abcd
  0x80000008 * acd
  0x80000019 * abcd
  0x8000001a * abcd
  0x8000001d * abcd
  0x8000001e * abcd
  0x80000026 * abcd
  0xc0000000 * abcd`
  .trim()
  .split('\n')
  .map((line) => line.trim());

describe('the leaves that stay live', () => {
  it('are those that hold no features', () => {
    const lines = LIVE_LEAVES.filter(({ leaf }) => leaf >>> 28 !== 4).map((one) => {
      const [first, last] = one.subleaves ?? [];
      const end = last === ALL_SUBLEAVES ? '*' : last;
      const letters = (one.registers ?? REGISTERS).map((register) => register[1]).join('');
      const range = first === undefined ? '*' : `${first}-${end}`;
      const own = one.perCpu === true ? [one.needs ?? '-', 'own'] : [one.needs ?? ''];
      return [`0x${one.leaf.toString(16)}`, range, letters, ...own].join(' ').trim();
    });
    expect(lines).toEqual(EXPECTED);
    expect(ALL_SUBLEAVES).toBe(0xffffffff);
  });

  it("are the hypervisor's 17, at both places where Linux looks for one", () => {
    // asm/cpuid/api.h: from 0x40000000 in steps of 0x100; KVM's last is 0x40000010.
    const leaves = LIVE_LEAVES.filter(({ leaf }) => leaf >>> 28 === 4);
    const expected = [0x40000000, 0x40000100].flatMap((base) =>
      Array.from({ length: 17 }, (_, place) => base + place),
    );
    expect(leaves.map(({ leaf }) => leaf)).toEqual(expected);
    for (const { subleaves, registers, needs, perCpu } of leaves)
      expect([subleaves, registers, needs, perCpu]).toEqual(Array(4).fill(undefined));
  });
});

describe('bits that a mask shows', () => {
  /** Of the CPUs that programs know none is without the first line; the second says how to read what stays live. */
  const ALWAYS = `vme de pse msr pae mce apic mtrr pge mca pat pse36 nx
    ht cmp_legacy topoext nodeid_msr mp hybrid_cpu amd_htr_cores
    hypervisor`.split(/\s+/);
  const none = new Set<never>();

  it('are constants, topology and the hypervisor, whatever the baseline has', () => {
    const shown = ROWS.filter((row) => isShown(row, none)).map(({ name }) => name);
    expect(shown.sort()).toEqual(ALWAYS.sort());
  });

  it("are else the baseline's: what tasks can use, never what is the kernel's alone", () => {
    const tasks = ['isa', 'state', 'kernel_user', 'hint'];
    for (const row of ROWS.filter(({ name }) => !ALWAYS.includes(name)))
      expect(isShown(row, all), row.name).toBe(tasks.includes(row.class));
  });
});
