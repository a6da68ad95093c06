import type { StateComponent } from '../model/xsave.js';
import { BASELINE } from './advice.js';
import { rule } from './rule.js';

/** Both known and not equal; what isn't known is data-missing's. */
function differ<T>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** Bytes, offset, whether it is aligned; null: not known. */
type Place = readonly [size: number | null, offset: number | null, aligned: boolean | null];

function placeOf({ size, offset, aligned }: StateComponent): Place {
  return [size ?? null, offset ?? null, aligned ?? null];
}

function placeText([size, offset, aligned]: Place): string {
  return `${size ?? '?'} bytes at ${offset ?? '?'}${aligned ? ', aligned' : ''}`;
}

/**
 * A component that both enable lies elsewhere. The kernel and CRIU convert what they save
 * themselves; a signal frame or a user's XSAVE image that is in memory already keeps the old places,
 * and XRSTOR reads it by the new ones. AMD puts AVX-512 state and PKRU at other offsets than Intel.
 * Source: Intel SDM vol. 1, 13.4.2; Linux arch/x86/kernel/fpu/signal.c.
 */
export const stateLayout = rule({
  code: 'state-layout',
  reads: ['component'],
  find: ({ from, to }) =>
    from.xsave.components.flatMap((before) => {
      const after = to.xsave.components.find(({ bit }) => bit === before.bit);
      if (after === undefined) return [];
      const moves =
        differ(before.size, after.size) ||
        differ(before.offset, after.offset) ||
        differ(before.aligned, after.aligned);
      if (!moves) return [];
      const facts = {
        before: placeOf(before),
        after: placeOf(after),
      };
      return [{ severity: 'risk' as const, component: before.name, facts }];
    }),
  sentence: ({ component, facts: { before, after } }, { from, to }) =>
    `The layout of ${component} state differs: ${placeText(before)} on ${from}, ${placeText(after)} on ` +
    `${to}; signal frames and XSAVE images in a task's memory are misread.`,
  together: () =>
    "The layout differs on the target: signal frames and XSAVE images in a task's memory are misread.",
  subject: ({ component, facts: { before, after } }) =>
    `${component}: ${placeText(before)} → ${placeText(after)}`,
  remedy: 'launch-mask',
  modes: { strict: 'blocker', instructions: 'info' },
  severities: ['risk'],
  when: 'a state component of both has another size, offset or alignment',
  meaning:
    'The kernel and CRIU convert what they save. Signal frames of running handlers, and XSAVE images that ' +
    "programs made, lie in the tasks' memory and are read wrongly.",
  advice: BASELINE,
});
