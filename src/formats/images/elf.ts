/** Just enough of ELF for x86-64 shared objects: segments, build ID, names of dynamic symbols. */
const PT_LOAD = 1;
const PT_NOTE = 4;
const PF_X = 1;
const NT_GNU_BUILD_ID = 3;
const EM_X86_64 = 62;
const SHT_DYNSYM = 11;

export interface Segment {
  readonly address: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly isExecutable: boolean;
}

export class ElfFile {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Undefined for what is no little-endian 64-bit x86 file. */
  static open(bytes: Uint8Array): ElfFile | undefined {
    if (bytes.length < 64) return undefined;
    const file = new ElfFile(bytes);
    const isElf64 = file.#u32(0) === 0x464c457f && bytes[4] === 2 && bytes[5] === 1;
    return isElf64 && file.#u16(18) === EM_X86_64 ? file : undefined;
  }

  get segments(): Segment[] {
    return this.#headers(PT_LOAD).map((at) => ({
      address: this.#word(at + 16),
      offset: this.#word(at + 8),
      fileBytes: this.#word(at + 32),
      isExecutable: (this.#u32(at + 4) & PF_X) !== 0,
    }));
  }

  get buildId(): Uint8Array | undefined {
    for (const header of this.#headers(PT_NOTE)) {
      const end = this.#word(header + 8) + this.#word(header + 32);
      for (let at = this.#word(header + 8); at + 12 <= end; ) {
        const [name, length, type] = [this.#u32(at), this.#u32(at + 4), this.#u32(at + 8)];
        const content = at + 12 + round4(name);
        const isGnu = name === 4 && this.#u32(at + 12) === 0x00554e47;
        if (isGnu && type === NT_GNU_BUILD_ID && length <= 64)
          return this.bytes.subarray(content, content + length);
        at = content + round4(length);
      }
    }
    return undefined;
  }

  /** Whether one of the dynamic symbols has this name. */
  hasDynamicSymbol(wanted: string): boolean {
    const table = this.#word(40);
    const [size, count] = [this.#u16(58), this.#u16(60)];
    for (let index = 0; index < count; index++) {
      const header = table + index * size;
      if (this.#u32(header + 4) !== SHT_DYNSYM) continue;
      const strings = table + this.#u32(header + 40) * size;
      return this.#names(header, this.#word(strings + 24)).includes(wanted);
    }
    return false;
  }

  #names(header: number, strings: number): string[] {
    const [start, bytes] = [this.#word(header + 24), this.#word(header + 32)];
    const names: string[] = [];
    for (let at = start; at + 24 <= Math.min(start + bytes, this.bytes.length); at += 24)
      names.push(this.#text(strings + this.#u32(at)));
    return names;
  }

  #text(at: number): string {
    let text = '';
    for (let place = at; place < at + 100; place++) {
      const byte = this.bytes[place] ?? 0;
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #headers(type: number): number[] {
    const start = this.#word(32);
    const [size, count] = [this.#u16(54), this.#u16(56)];
    if (size < 56) return [];
    return Array.from({ length: count }, (_, index) => start + index * size).filter(
      (at) => this.#u32(at) === type,
    );
  }

  /** Outside of the file everything reads as 0. */
  #u16(at: number): number {
    return at + 2 <= this.bytes.length ? this.#view.getUint16(at, true) : 0;
  }

  #u32(at: number): number {
    return at + 4 <= this.bytes.length ? this.#view.getUint32(at, true) : 0;
  }

  #word(at: number): number {
    return this.#u32(at) + this.#u32(at + 4) * 2 ** 32;
  }
}

function round4(length: number): number {
  return Math.ceil(length / 4) * 4;
}
