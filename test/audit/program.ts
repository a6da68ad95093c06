/**
 * Small ELF programs and libraries, written by hand: functions of a few instructions that refer to each other and to
 * variables by name, with a symbol each. Layout: code at 0x1000, variables at 0x8000, as in the file.
 */

export const CODE = 0x1000;
const DATA = 0x8000;
const FILE_BYTES = 0xa000;

/** Bytes as hexadecimal; "=name" stands for the four bytes of a distance to it, from behind them. */
export type Code = string;

export interface Piece {
  readonly name: string;
  readonly code: Code;
  /** 2: function; 10: function that chooses; none: code without a symbol. */
  readonly type?: 2 | 10 | undefined;
  /** Other files can call it. */
  readonly isExported?: boolean;
  /** Its symbol has another name, or none ("") . */
  readonly symbol?: string;
}

export interface Program {
  readonly pieces: readonly Piece[];
  /** Variables of 64 bytes each. */
  readonly variables?: readonly string[];
  /** Address of code in the first bytes of a variable. */
  readonly pointers?: Readonly<Record<string, string>>;
  readonly entry?: string;
  readonly isLibrary?: boolean;
}

class Strings {
  readonly #bytes: number[] = [0];
  add(text: string): number {
    const at = this.#bytes.length;
    this.#bytes.push(...Buffer.from(text), 0);
    return at;
  }
  get bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

const VARIABLE_BYTES = 64;

/** The bytes of the file. */
export function link({ pieces, variables = [], pointers = {}, entry, isLibrary }: Program): Buffer {
  const file = Buffer.alloc(FILE_BYTES);
  const address = new Map<string, number>();
  let at = CODE;
  const sizes = new Map<string, number>();
  for (const { name, code } of pieces) {
    const size = code
      .split(/\s+/)
      .filter(Boolean)
      .reduce((sum, word) => sum + (word.startsWith('=') ? 4 : word.length / 2), 0);
    address.set(name, at);
    sizes.set(name, size);
    at += Math.ceil((size + 1) / 16) * 16;
  }
  const codeBytes = at - CODE;
  for (const [place, name] of variables.entries()) address.set(name, DATA + place * VARIABLE_BYTES);
  const addressOf = (name: string): number => {
    const found = address.get(name);
    if (found === undefined) throw new Error(`nothing is called ${name}`);
    return found;
  };
  file.fill(0x90, CODE, at);
  for (const { name, code } of pieces) {
    let place = addressOf(name);
    for (const word of code.split(/\s+/).filter(Boolean))
      if (word.startsWith('=')) {
        // "=name-1": an immediate of one byte follows.
        const [, target = '', behind = '0'] = /^=(\w+)(?:-(\d))?$/.exec(word) ?? [];
        file.writeInt32LE(addressOf(target) - place - 4 - Number(behind), place);
        place += 4;
      } else for (const byte of Buffer.from(word, 'hex')) file[place++] = byte;
  }
  const dataBytes = Math.max(8, variables.length * VARIABLE_BYTES);
  // Behind the variables: relocations, symbols, names.
  const relocations = Object.entries(pointers);
  const names = new Strings();
  const symbols: number[][] = [[0, 0, 0, 0, 0]];
  const dynamic: number[][] = [[0, 0, 0, 0, 0]];
  for (const { name, type = 2, isExported, symbol = name } of pieces) {
    if (symbol === '') continue;
    const row = [names.add(symbol), type, 1, addressOf(name), sizes.get(name) as number];
    symbols.push(row);
    if (isExported === true) dynamic.push(row);
  }
  const RELA = 0x9000;
  const SYMTAB = 0x9100;
  const DYNSYM = 0x9600;
  const STRTAB = 0x9800;
  for (const [place, [variable, target]] of relocations.entries()) {
    file.writeBigUInt64LE(BigInt(addressOf(variable)), RELA + place * 24);
    file.writeBigUInt64LE(8n, RELA + place * 24 + 8);
    file.writeBigUInt64LE(BigInt(addressOf(target)), RELA + place * 24 + 16);
  }
  const writeSymbols = (rows: readonly number[][], start: number) => {
    for (const [place, [name = 0, type = 0, section = 0, value = 0, size = 0]] of rows.entries()) {
      const row = start + place * 24;
      file.writeUInt32LE(name, row);
      file[row + 4] = type | 0x10;
      file.writeUInt16LE(section, row + 6);
      file.writeBigUInt64LE(BigInt(value), row + 8);
      file.writeBigUInt64LE(BigInt(size), row + 16);
    }
  };
  writeSymbols(symbols, SYMTAB);
  writeSymbols(dynamic, DYNSYM);
  const sectionNames = new Strings();
  const [ALLOC, WRITE, EXEC] = [2, 1, 4];
  const sections = [
    ['', 0, 0, 0, 0, 0],
    ['.text', 1, ALLOC | EXEC, CODE, codeBytes, 0],
    ['.data', 1, ALLOC | WRITE, DATA, dataBytes, 0],
    ['.rela.dyn', 4, ALLOC, RELA, relocations.length * 24, 5],
    ['.symtab', 2, 0, SYMTAB, symbols.length * 24, 6],
    ['.dynsym', 11, ALLOC, DYNSYM, dynamic.length * 24, 6],
    ['.strtab', 3, 0, STRTAB, names.bytes.length, 0],
  ] as const;
  names.bytes.copy(file, STRTAB);
  const HEADERS = 0x9c00;
  const nameOffsets = [
    ...sections.map(([name]) => sectionNames.add(name)),
    sectionNames.add('.shstrtab'),
  ];
  const SHSTRTAB = 0x9b00;
  sectionNames.bytes.copy(file, SHSTRTAB);
  const all = [...sections, ['.shstrtab', 3, 0, SHSTRTAB, sectionNames.bytes.length, 0] as const];
  for (const [place, [, type, flags, where, size, linked]] of all.entries()) {
    const header = HEADERS + place * 64;
    file.writeUInt32LE(nameOffsets[place] as number, header);
    file.writeUInt32LE(type, header + 4);
    file.writeBigUInt64LE(BigInt(flags), header + 8);
    file.writeBigUInt64LE(BigInt(where), header + 16);
    file.writeBigUInt64LE(BigInt(where), header + 24);
    file.writeBigUInt64LE(BigInt(size), header + 32);
    file.writeUInt32LE(linked, header + 40);
  }
  Buffer.from('7f454c46020101', 'hex').copy(file);
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(isLibrary ? 0 : addressOf(entry ?? pieces[0]?.name ?? '')), 24);
  file.writeBigUInt64LE(BigInt(HEADERS), 40);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(64, 58);
  file.writeUInt16LE(all.length, 60);
  file.writeUInt16LE(all.length - 1, 62);
  return file;
}
