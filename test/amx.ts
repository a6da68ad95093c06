/** Hosts with AMX whose tiles are as they are, or otherwise. */
import type { LeafRow } from '../src/model/leaves.js';
import { ALL_KNOWN, NO_REGISTERS, type Registers } from '../src/model/registers.js';
import { HASWELL, type HostPlan } from './hosts.js';

/** Registers of a leaf; of the others nothing is told. */
export function leafRow(leaf: number, subleaf: number, registers: Partial<Registers>): LeafRow {
  const known = { ...NO_REGISTERS };
  for (const register of Object.keys(registers) as (keyof Registers)[]) known[register] = ALL_KNOWN;
  return { ...NO_REGISTERS, ...registers, leaf, subleaf, known };
}

interface Tiles {
  readonly bytes?: number;
  readonly rowBytes?: number;
  readonly count?: number;
  readonly rows?: number;
  /** Bytes of a row that one multiplication takes. */
  readonly multiplied?: number;
}

/** Leaves up to 0x20 exist. */
export const MOST_LEAVES = leafRow(0, 0, { eax: 0x20 });

/** As Intel SDM vol. 2A has palette 1, but for what is given. */
export function withTiles({
  bytes = 1024,
  rowBytes = 64,
  count = 8,
  rows = 16,
  multiplied = 64,
}: Tiles = {}): HostPlan {
  return {
    ...HASWELL,
    features: [...HASWELL.features, 'xsavec', 'xgetbv1', 'xsaves', 'xfd', 'amx_tile'],
    mask: 0x60007n,
    places: { ...HASWELL.places, 17: [64, 2752], 18: [8192, 2816] },
    areaBytes: 11008,
    leaves: [
      MOST_LEAVES,
      leafRow(0x1d, 0, { eax: 1 }),
      leafRow(0x1d, 1, {
        eax: bytes * 2 ** 16 + bytes * count,
        ebx: count * 2 ** 16 + rowBytes,
        ecx: rows,
      }),
      leafRow(0x1e, 0, { ebx: multiplied * 2 ** 8 + 16 }),
    ],
  };
}
