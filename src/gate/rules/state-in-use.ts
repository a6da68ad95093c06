import { componentName } from '../../catalogue/index.js';
import type { Finding } from '../../compare/finding.js';
import { bitsOf } from '../../model/registers.js';
import { ABSENT, PRESENT, presenceInMask } from '../../model/xsave.js';
import { type GateCase, type GateRule, nameThreads } from '../rule.js';

/** Threads that hold something in each component now, x87 and SSE aside. */
export function threadsByComponent(
  { alive }: Pick<GateCase, 'alive'>,
  which: 'inUse' | 'lost',
): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const { threads } of alive)
    for (const { tid, xsave } of threads)
      for (const bit of bitsOf((xsave?.[which] ?? 0n) & ~3n))
        found.set(bit, [...(found.get(bit) ?? []), tid]);
  return found;
}

/**
 * A component holds something else than its initial state in a dumped thread, and the target's OS
 * doesn't enable it: CRIU drops the content without a word. This is no guess about what tasks may have
 * asked: they use it now.
 * Source: CRIU criu/arch/x86/crtools.c, restore_fpu.
 */
export const stateInUse: GateRule = (asked) => {
  const { target } = asked;
  return [...threadsByComponent(asked, 'inUse')].flatMap(([bit, tids]): Finding[] => {
    const presence = presenceInMask(target.xsave.enabled, bit);
    if (presence === PRESENT || isSupervisor(bit)) return [];
    const uses = `${componentName(bit)} state is in use by ${nameThreads(tids)} now`;
    return [
      {
        code: 'state-in-use',
        severity: presence === ABSENT ? 'blocker' : 'unknown',
        component: componentName(bit),
        effect:
          presence === ABSENT
            ? `${uses}, and ${target.name} does not enable it: its content would be lost.`
            : `${uses}, and whether ${target.name} enables it is unknown.`,
        remedy: 'launch-mask',
      },
    ];
  });
};

/** Shadow stacks aren't in XCR0; what their loss means, kernel-feature-missing says. */
function isSupervisor(bit: number): boolean {
  return bit === 11;
}
