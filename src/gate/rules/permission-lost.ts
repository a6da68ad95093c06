import { hasBit64 } from '../../model/registers.js';
import { PRESENT, presenceInMask } from '../../model/xsave.js';
import type { GateRule } from '../rule.js';

/** The tiles themselves. */
const TILE_DATA = 18;

/**
 * A task asks Linux for AMX's tiles once (ARCH_REQ_XCOMP_PERM). CRIU neither saves nor restores the
 * permission, and no image tells whether there was one.
 * Source: Linux Documentation/arch/x86/xstate.rst.
 */
export const permissionLost: GateRule = ({ source, mask }) => {
  if (source === undefined || presenceInMask(source.xsave.enabled, TILE_DATA) !== PRESENT)
    return [];
  if (mask !== undefined && !hasBit64(mask.xcr0, TILE_DATA)) return [];
  return [
    {
      code: 'permission-lost',
      severity: 'risk',
      feature: 'amx_tile',
      effect:
        "CRIU doesn't restore the permission to use AMX: a task that had asked for it gets SIGILL at " +
        'its next tile instruction.',
      remedy: 'launch-mask',
    },
  ];
};
