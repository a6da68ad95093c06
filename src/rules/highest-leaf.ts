import { HIGHEST_LEAVES, type HighestLeaves } from '../model/highest-leaves.js';
import { hex } from '../model/registers.js';
import type { Context } from './context.js';
import type { Found } from './finding.js';
import { rule } from './rule.js';

type Which = keyof HighestLeaves;

type Facts = {
  readonly lower: readonly (readonly [which: Which, before: number, after: number])[];
};

const WORDS: Readonly<Record<Which, string>> = {
  basic: 'the basic leaves',
  structured: "leaf 7's subleaves",
  extended: 'the extended leaves',
};

function find({ from, to }: Context): Found<Facts>[] {
  const lower = HIGHEST_LEAVES.flatMap((which) => {
    const [before, after] = [from.highestLeaves[which], to.highestLeaves[which]];
    if (before === undefined || after === undefined || after >= before) return [];
    return [[which, before, after] as const];
  });
  return lower.length === 0 ? [] : [{ severity: 'info', facts: { lower } }];
}

/**
 * CPUID ends earlier at the target. What a leaf beyond it had shown is compared by itself; of the number
 * alone nothing follows, but a task that asks for a leaf that it knows of gets the data of another.
 * Xen refuses guests whose highest leaves the host doesn't reach (xen/lib/x86/policy.c,
 * x86_cpu_policies_are_compatible): mode strict, too.
 */
export const highestLeaf = rule({
  code: 'highest-leaf',
  reads: ['identity'],
  find,
  sentence: ({ facts: { lower } }, { from, to }) =>
    `CPUID ends earlier on ${to} than on ${from}: ${lower
      .map(([which, before, after]) => `${WORDS[which]} at ${hex(after)}, not ${hex(before)}`)
      .join('; ')}.`,
  remedy: 'none',
  modes: { strict: 'blocker' },
  severities: ['info'],
  when: 'the target has a lower highest leaf (basic, extended or of leaf 7)',
  meaning:
    'What the leaves beyond it showed is compared by itself. A program that goes on to ask for one of them gets ' +
    "another leaf's data.",
  advice: '',
});
