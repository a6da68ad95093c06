import type { StateComponent } from '../../model/xsave.js';
import type { Rule } from '../finding.js';

/** Both known and not equal; what isn't known is data-missing's. */
function differ<T>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

function place({ size, offset, aligned }: StateComponent): string {
  return `${size ?? '?'} bytes at ${offset ?? '?'}${aligned ? ', aligned' : ''}`;
}

/**
 * A component that both enable lies elsewhere. The kernel and CRIU convert what they save
 * themselves; a signal frame or a user's XSAVE image that is in memory already keeps the old places,
 * and XRSTOR reads it by the new ones. AMD puts AVX-512 state and PKRU at other offsets than Intel.
 * Source: Intel SDM vol. 1, 13.4.2; Linux arch/x86/kernel/fpu/signal.c.
 */
export const stateLayout: Rule = (from, to) =>
  from.xsave.components.flatMap((before) => {
    const after = to.xsave.components.find(({ bit }) => bit === before.bit);
    if (after === undefined) return [];
    if (
      !differ(before.size, after.size) &&
      !differ(before.offset, after.offset) &&
      !differ(before.aligned, after.aligned)
    )
      return [];
    return [
      {
        code: 'state-layout',
        severity: 'risk',
        component: before.name,
        effect:
          `The layout of ${before.name} state differs: ${place(before)} on ${from.name}, ${place(after)} on ` +
          `${to.name}; signal frames and XSAVE images in a task's memory are misread.`,
        remedy: 'launch-mask',
      } as const,
    ];
  });
