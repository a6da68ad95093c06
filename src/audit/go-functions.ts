/**
 * Functions of a Go program by its own table, which stripped files keep. Go 1.18 and later; older programs have
 * only their symbols. Source: Go's src/debug/gosym/pclntab.go and src/internal/abi/symtab.go.
 */
import { number64, type Range, type Section } from './elf-parts.js';

const GO_1_18 = 0xfffffff0;
const GO_1_20 = 0xfffffff1;
const MAX_FUNCTIONS = 4_000_000;
const MAX_NAME = 512;

export interface NamedRange extends Range {
  readonly name: string;
}

export function* readGoFunctions(
  whole: DataView,
  { offset, size }: Section,
  textAddress: number,
): Generator<NamedRange> {
  if (size < 72) return;
  const view = new DataView(whole.buffer, whole.byteOffset + offset, size);
  const magic = view.getUint32(0, true);
  if (magic !== GO_1_18 && magic !== GO_1_20) return;
  if (view.getUint8(7) !== 8) return;
  const count = Math.min(number64(view, 8), MAX_FUNCTIONS);
  // Position-independent programs have it filled in by the loader.
  const text = number64(view, 24) || textAddress;
  const names = number64(view, 32);
  const table = number64(view, 64);
  try {
    for (let place = 0; place < count; place++) {
      const row = table + place * 8;
      const start = text + view.getUint32(row, true);
      const end = text + view.getUint32(row + 8, true);
      const nameAt = names + view.getInt32(table + view.getUint32(row + 4, true) + 4, true);
      let name = '';
      for (let at = nameAt; name.length < MAX_NAME && view.getUint8(at) !== 0; at++)
        name += String.fromCharCode(view.getUint8(at));
      if (end > start) yield { start, end, name };
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}
