/** Hosts with AMX whose tiles are as they are, or otherwise. */
import { HASWELL, type HostPlan, leafRow, type Tiles } from './hosts.js';

/** Leaves up to 0x20 exist. */
export const MOST_LEAVES = leafRow(0, 0, { eax: 0x20 });

export function withTiles(tiles: Tiles | 'untold' = {}): HostPlan {
  return {
    ...HASWELL,
    features: [...HASWELL.features, 'xsavec', 'xgetbv1', 'xsaves', 'xfd', 'amx_tile'],
    mask: 0x60007n,
    places: { ...HASWELL.places, 17: [64, 2752], 18: [8192, 2816] },
    areaBytes: 11008,
    tiles,
    leaves: [MOST_LEAVES],
  };
}
