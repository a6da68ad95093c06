/** How a row of the table has to end. */
import { expect, type TestContext } from 'vitest';
import type { Row } from './rows.js';
import type { GuestOutcome } from './run-cases.js';

/** What a program ends with that misses something on the machine. */
const NOT_HERE = 77;

type Special = Row['trap']['masked'];

/** Another end under a mask than bare. */
export function specialOf({ mode, trap }: Row): Special {
  return mode === 'masked' ? trap.masked : undefined;
}

/** `outcome`: undefined where it didn't run, which fails. */
export function expectRow(
  context: TestContext,
  { trap }: Row,
  outcome: GuestOutcome | undefined,
  special: Special,
): void {
  if (outcome?.status === NOT_HERE) context.skip();
  expect(outcome?.status, outcome?.output).toBe(special?.status ?? trap.status ?? 0);
  if (special !== undefined) expect(outcome?.output).toMatch(special.says);
  expect(outcome?.left).toEqual([]);
}
