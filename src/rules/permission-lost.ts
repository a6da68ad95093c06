import { COMPONENT } from '../catalogue/index.js';
import { hasBit64 } from '../model/registers.js';
import { PRESENT, presenceInMask } from '../model/xsave.js';
import { STAY_WITH_STATE } from './advice.js';
import { rule } from './rule.js';

/**
 * A task asks Linux for AMX's tiles once (ARCH_REQ_XCOMP_PERM). CRIU neither saves nor restores the
 * permission, and no image tells whether there was one.
 * Source: Linux Documentation/arch/x86/xstate.rst.
 */
export const permissionLost = rule({
  code: 'permission-lost',
  reads: ['images'],
  find: ({ images }) => {
    const { source, mask } = images ?? {};
    if (
      source === undefined ||
      presenceInMask(source.xsave.enabled, COMPONENT.xtile_data) !== PRESENT
    )
      return [];
    if (mask !== undefined && !hasBit64(mask.xcr0, COMPONENT.xtile_data)) return [];
    return [{ severity: 'risk', feature: 'amx_tile', facts: {} }];
  },
  sentence: () =>
    "CRIU doesn't restore the permission to use AMX: a task that had asked for it gets SIGILL at its next " +
    'tile instruction.',
  remedy: 'launch-mask',
  modes: { strict: 'blocker' },
  severities: ['risk'],
  when: 'dumped tasks may have asked Linux for AMX',
  meaning: "CRIU doesn't restore the permission: the next tile instruction gives SIGILL.",
  advice: STAY_WITH_STATE,
});
