/**
 * How large AMX's tiles are. Programs ask once, and lay out their tiles by the answer.
 * Source: Intel SDM vol. 2A, CPUID leaves 0x1D (palette 1) and 0x1E (TMUL).
 */
import { type LeafTable, readField } from './leaves.js';

const TILES = 0x1d;
const TMUL = 0x1e;
export const TILE_LEAVES: readonly number[] = [TILES, TMUL];
const [LOW, HIGH] = [
  [15, 0],
  [31, 16],
] as const;

/** Where each number is, in the order in which they are reported. */
const FIELDS = {
  palettes: [TILES, 0, 'eax', [31, 0]],
  totalBytes: [TILES, 1, 'eax', LOW],
  bytesPerTile: [TILES, 1, 'eax', HIGH],
  bytesPerRow: [TILES, 1, 'ebx', LOW],
  tiles: [TILES, 1, 'ebx', HIGH],
  rows: [TILES, 1, 'ecx', LOW],
  multiplierRows: [TMUL, 0, 'ebx', [7, 0]],
  multiplierBytes: [TMUL, 0, 'ebx', [23, 8]],
} as const;

/**
 * Of palette 1, the only one there is: `tiles` registers of `rows` rows; the highest palette's number; and
 * what one multiplication takes (tmul_maxk rows, tmul_maxn bytes of a row).
 */
export type TileGeometry = Readonly<Record<keyof typeof FIELDS, number>>;

export const TILE_NUMBERS = Object.keys(FIELDS) as readonly (keyof TileGeometry)[];

/** Undefined where any number isn't known, or where there are no tiles. */
export function tileGeometry(leaves: LeafTable): TileGeometry | undefined {
  const geometry: Partial<Record<keyof TileGeometry, number>> = {};
  for (const name of TILE_NUMBERS) {
    const [leaf, subleaf, register, bits] = FIELDS[name];
    const value = readField(leaves, leaf, subleaf, register, bits);
    if (value === undefined || value === 0) return undefined;
    geometry[name] = value;
  }
  return geometry as TileGeometry;
}
