/** The decoder, with what it says of instructions in the catalogue's words. */
import { Code, CpuidFeature, Decoder, DecoderOptions, Instruction } from 'iced-x86';
import type { FeatureName } from '../catalogue/index.js';
import type { CodeFunction, ElfFile } from './elf.js';
import type { Section } from './elf-parts.js';
import { INSTRUCTION_FEATURES } from './instruction-features.js';

const NONE: readonly FeatureName[] = [];
const TZCNT: ReadonlySet<number> = new Set([
  Code.Tzcnt_r16_rm16,
  Code.Tzcnt_r32_rm32,
  Code.Tzcnt_r64_rm64,
]);

const byCode = new Map<number, readonly FeatureName[]>();

/** Features beyond those of every 64-bit CPU that an instruction of this code needs, all of them. */
export function featuresOfCode(instruction: Instruction): readonly FeatureName[] {
  const { code } = instruction;
  let features = byCode.get(code);
  if (features === undefined) {
    features = TZCNT.has(code)
      ? NONE
      : [...instruction.cpuidFeatures()].flatMap((word) => {
          const row = INSTRUCTION_FEATURES[CpuidFeature[word] as string];
          return typeof row === 'object' ? row : NONE;
        });
    byCode.set(code, features);
  }
  return features;
}

/** A new instruction set of which the decoder knows nothing: its prefix isn't one for other CPUs. */
function isApx(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xd5 || (bytes[at] === 0x62 && ((bytes[at + 1] ?? 0) & 0x07) === 4);
}

export interface FeatureUse {
  readonly features: readonly FeatureName[];
  readonly at: number;
  readonly length: number;
}

/** What ends the reading of a function before its end. */
export type Stop = 'invalid' | 'apx' | undefined;

/** Of one file; free() gives its copies of the code back. */
export class CodeReader {
  readonly instruction = new Instruction();
  readonly #decoders = new Map<Section, Decoder>();
  readonly #file: ElfFile;

  constructor(file: ElfFile) {
    this.#file = file;
  }

  sectionOf(address: number): Section | undefined {
    return this.#file.code.find(
      (one) => address >= one.address && address < one.address + one.size,
    );
  }

  /** Place in the file of an address of code. */
  offsetOf(address: number): number {
    const section = this.sectionOf(address);
    return section === undefined ? -1 : section.offset + address - section.address;
  }

  /**
   * Reads on from the start, an instruction at a time, into `instruction`; `visit` gets its address. The end
   * of what was understood is given back, with the reason if it isn't the function's.
   */
  read(
    { start, end }: Pick<CodeFunction, 'start' | 'end'>,
    visit: (instruction: Instruction, at: number) => void,
  ): { readonly end: number; readonly stop: Stop } {
    const section = this.sectionOf(start);
    if (section === undefined) return { end: start, stop: 'invalid' };
    const decoder = this.#decoderOf(section);
    decoder.position = start - section.address;
    decoder.ip = BigInt(start);
    const { instruction } = this;
    let at = start;
    while (at < end) {
      decoder.decodeOut(instruction);
      if (instruction.code === Code.INVALID) {
        const place = section.offset + at - section.address;
        return { end: at, stop: isApx(this.#file.bytes, place) ? 'apx' : 'invalid' };
      }
      const { length } = instruction;
      visit(instruction, at);
      at += length;
    }
    return { end: at, stop: undefined };
  }

  #decoderOf(section: Section): Decoder {
    let decoder = this.#decoders.get(section);
    if (decoder === undefined) {
      const { offset, size } = section;
      decoder = new Decoder(
        64,
        this.#file.bytes.subarray(offset, offset + size),
        DecoderOptions.None,
      );
      this.#decoders.set(section, decoder);
    }
    return decoder;
  }

  free(): void {
    for (const decoder of this.#decoders.values()) decoder.free();
    this.instruction.free();
  }
}
