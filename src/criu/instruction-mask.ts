/** The bits that --cpu-cap=ins compares (x86_ins_capability_mask in CRIU's criu/arch/x86/cpu.c). */
import { ROWS } from '../catalogue/index.js';
import { bitMask, or } from '../model/registers.js';
import { CRIU_WORDS, criuPlace, LINUX_FLAGS, LINUX_WORD } from './words.js';

let made: readonly number[] | undefined;

/** A mask a word. */
export function instructionMask(): readonly number[] {
  made ??= makeMask();
  return made;
}

function makeMask(): readonly number[] {
  const masks = CRIU_WORDS.map(() => 0);
  const add = (word: number, bit: number) => {
    masks[word] = or(masks[word] ?? 0, bitMask(bit));
  };
  add(LINUX_WORD, LINUX_FLAGS.rep_good);
  add(LINUX_WORD, LINUX_FLAGS.nopl);
  for (const row of ROWS) {
    if (row.criuInstruction !== true) continue;
    const { word, bit } = criuPlace(row.name);
    add(word, bit);
  }
  return masks;
}
