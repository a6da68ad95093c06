import { TILE_NUMBERS, type TileGeometry } from '../model/tile-geometry.js';
import { PRESENT } from '../model/xsave.js';
import { WITHOUT_AMX } from './advice.js';
import type { Context } from './context.js';
import type { Found, Severity } from './finding.js';
import { atMost, rule } from './rule.js';

/** What tiles that tasks have laid out on the source do at the target. */
type Fate = 'faults' | 'moves' | 'fits';

type Facts = {
  readonly fate: Fate;
  /** What differs, by its name in WORDS. */
  readonly numbers: readonly (readonly [name: string, before: number, after: number])[];
};

const WORDS: Readonly<Record<keyof TileGeometry, string>> = {
  palettes: 'highest palette',
  totalBytes: 'bytes of all tiles',
  bytesPerTile: 'bytes of a tile',
  bytesPerRow: 'bytes of a row',
  tiles: 'tiles',
  rows: 'rows of a tile',
  multiplierRows: 'rows in a multiplication',
  multiplierBytes: 'bytes of a row in a multiplication',
};

/** They decide where in saved state a tile lies. */
const PLACES: readonly (keyof TileGeometry)[] = ['totalBytes', 'bytesPerTile', 'bytesPerRow'];

const SEVERITY: Readonly<Record<Fate, Severity>> = {
  faults: 'blocker',
  moves: 'risk',
  fits: 'info',
};

function fateOf(before: TileGeometry, after: TileGeometry): Fate {
  if (TILE_NUMBERS.some((name) => after[name] < before[name])) return 'faults';
  return PLACES.some((name) => after[name] !== before[name]) ? 'moves' : 'fits';
}

function find({ from, to }: Context): Found<Facts>[] {
  if ([from, to].some((host) => host.effective('amx_tile') !== PRESENT)) return [];
  const [before, after] = [from.tiles, to.tiles];
  if (before === undefined || after === undefined) return [];
  const numbers = TILE_NUMBERS.filter((name) => before[name] !== after[name]).map(
    (name) => [WORDS[name], before[name], after[name]] as const,
  );
  if (numbers.length === 0) return [];
  const fate = fateOf(before, after);
  return [{ severity: SEVERITY[fate], feature: 'amx_tile', facts: { fate, numbers } }];
}

const MEANING: Readonly<Record<Fate, string>> = {
  faults:
    'a program that laid out its tiles by what CPUID showed it faults there when it loads that layout, or ' +
    'multiplies',
  moves: "tiles that a task's memory keeps with XSAVE lie elsewhere there and are read wrongly",
  fits: 'what programs have laid out fits there',
};

/**
 * A program asks once how large the tiles of palette 1 are. LDTILECFG raises #GP for a palette, rows or
 * columns beyond what the CPU has, and the multiplications #UD for tiles that are larger than they take.
 * Larger tiles take all that smaller ones did, but in an XSAVE image each lies at its number times the
 * size of a tile. All CPUs until now have one geometry (8 tiles of 16 rows of 64 bytes).
 * Source: Intel SDM vol. 2A, LDTILECFG and CPUID 0x1D, 0x1E; vol. 1, 13.5 and 18.
 */
export const tileGeometry = rule({
  code: 'tile-geometry',
  reads: ['tiles'],
  find,
  sentence: ({ facts: { fate, numbers } }, { to }) =>
    `AMX has other tiles on ${to} (${numbers
      .map(([what, before, after]) => `${what}: ${before} → ${after}`)
      .join(', ')}): ${MEANING[fate]}.`,
  remedy: ({ severity }) => (severity === 'info' ? 'none' : 'launch-mask'),
  modes: { strict: 'blocker', instructions: atMost('risk') },
  severities: ['blocker', 'risk', 'info'],
  where:
    'blocker where any number is smaller at the target, risk where saved tiles lie elsewhere, else info',
  when: "both have AMX, and the target's tiles have another geometry (leaves 0x1D and 0x1E)",
  meaning:
    'Programs ask for the geometry once and lay out their tiles by it. A layout that is too large for the ' +
    'target faults; saved tiles that lie elsewhere are read wrongly.',
  advice: WITHOUT_AMX,
});
