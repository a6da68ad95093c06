/** What the readers of an ELF file's parts share. */

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  /** Bytes in memory; none of them are in the file where the type is NOBITS. */
  readonly size: number;
}

/** Addresses, the end not included. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A number of the file; what no file has is as far away as can be. */
export function number64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
