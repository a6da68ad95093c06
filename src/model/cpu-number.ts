/** What a CPU calls itself. */
import { type LeafTable, readRegister } from './leaves.js';
import { ALL_KNOWN, field } from './registers.js';
import type { SeenSignature } from './signature.js';

export interface CpuNumber {
  readonly vendor: string;
  readonly signature: SeenSignature;
}

/** Undefined where the source doesn't tell its twelve letters. */
export function readVendor(leaves: LeafTable): string | undefined {
  const answers = (['ebx', 'edx', 'ecx'] as const).map((register) =>
    readRegister(leaves, 0, 0, register),
  );
  if (answers.some((answer) => answer.known !== ALL_KNOWN)) return undefined;
  return textOf(answers.map((answer) => answer.value));
}

/** Four characters a register, lowest byte first; anything but printable ASCII ends the text. */
export function textOf(values: readonly number[]): string {
  let text = '';
  for (const value of values)
    for (let shift = 0; shift < 32; shift += 8) {
      const code = field(value, shift + 7, shift);
      if (code < 0x20 || code > 0x7e) return text.trim();
      text += String.fromCharCode(code);
    }
  return text.trim();
}
