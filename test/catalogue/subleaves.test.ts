/** The rows here and those that the probe and the supervisor go by are one table. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROWS } from '../../src/catalogue/index.js';
import { SUBLEAVES, subleafRule } from '../../src/catalogue/subleaves.js';
import { root } from '../cli/run.js';

const native = readFileSync(join(root, 'native', 'probe', 'enumerate.cc'), 'utf8');

/** "kUntilCacheType0" → "until-cache-type-0". */
function ruleOf(enumerator: string): string {
  return enumerator
    .slice(1)
    .replace(/[A-Z]|\d+/g, (part) => `-${part.toLowerCase()}`)
    .slice(1);
}

describe('leaves with subleaves', () => {
  it('are those of native/probe/enumerate.cc', () => {
    const table = /kRules\[\] = \{([^;]*)\};/.exec(native)?.[1] ?? '';
    const rows = [...table.matchAll(/\{(0x[0-9a-f]{8}), Subleaves::(\w+)\}/g)].map(
      ([, leaf, rule = '']) => [Number(leaf), ruleOf(rule)],
    );
    expect(rows).toEqual(SUBLEAVES.map(({ leaf, rule }) => [leaf, rule]));
    expect(rows.length).toBe(table.split('\n').filter((line) => line.includes('{')).length);
  });

  it('have the kinds of native/probe/enumerate.cc', () => {
    const kinds = /enum class Subleaves \{([^}]*)\}/.exec(native)?.[1] ?? '';
    const names = [...kinds.matchAll(/^ {2}(k\w+),/gm)].map(([, name = '']) => ruleOf(name));
    expect(names).toEqual([...new Set(names)]);
    expect(new Set(names)).toEqual(new Set(SUBLEAVES.map(({ rule }) => rule)));
  });

  it('ascend, each once', () => {
    const leaves = SUBLEAVES.map(({ leaf }) => leaf);
    expect(leaves).toEqual([...new Set(leaves)].sort((a, b) => a - b));
  });

  it('are all that the catalogue has features behind subleaf 0 of', () =>
    expect(ROWS.filter((row) => row.subleaf > 0 && subleafRule(row.leaf) === undefined)).toEqual(
      [],
    ));
});
