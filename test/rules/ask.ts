/** What a rule finds between two hosts and nothing beside them. */
import type { Capabilities } from '../../src/model/capabilities.js';
import type { Rule } from '../../src/rules/rule.js';

export function ask<Code extends string>(rule: Rule<Code>, from: Capabilities, to: Capabilities) {
  return rule.findings({ from, to });
}
