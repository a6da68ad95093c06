/** Tables of what one rule finds between hosts that differ in little. */
import { expect, it } from 'vitest';
import type { Finding } from '../../src/rules/index.js';
import type { Rule } from '../../src/rules/rule.js';
import { HASWELL, type HostPlan, seen } from '../hosts.js';
import { faultOf } from '../sentences.js';
import { ask } from './ask.js';

/** Each case: what the source has beyond the target, and what must be found; [] is the negative twin. */
export type Case = readonly [
  what: string,
  from: Partial<HostPlan>,
  to: Partial<HostPlan>,
  expected: readonly Partial<Finding>[],
];

/** What is said of it is a sentence, too. */
export function table(rule: Rule, cases: readonly Case[]) {
  it.each(cases)('%s', (_, from, to, expected) => {
    const findings = ask(
      rule,
      seen({ ...HASWELL, name: 'a', ...from }),
      seen({ ...HASWELL, name: 'b', ...to }),
    );
    expect(findings).toMatchObject(expected);
    expect(findings).toHaveLength(expected.length);
    for (const { effect } of findings) expect(faultOf(effect, ['a', 'b'])).toBeUndefined();
  });
}
