import { describe, expect, it } from 'vitest';
import { FEATURES, ROWS } from '../../src/catalogue/index.js';
import { SUBLEAVES } from '../../src/catalogue/subleaves.js';
import { LIVE_LEAVES } from '../../src/mask/live-leaves.js';
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
