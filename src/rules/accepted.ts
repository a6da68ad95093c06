/**
 * What no mask hides and the hosts of a baseline differ in was accepted when the baseline was made: for
 * them it is no news.
 */
import type { Context } from './context.js';

type Accepts = NonNullable<NonNullable<Context['mask']>['accepts']>;

/** The mask's name, where its own hosts differ in just this way. */
export function acceptedBy<K extends keyof Accepts>(
  { mask }: Context,
  what: K,
  ...values: readonly Accepts[K][number][]
): string | null {
  const accepted: readonly (string | number)[] = mask?.accepts?.[what] ?? [];
  return mask !== undefined && values.every((value) => accepted.includes(value)) ? mask.name : null;
}

/** Ends a sentence. */
export function acceptanceText(acceptedIn: string): string {
  return ` Hosts of ${acceptedIn} differ in this, and that was accepted when it was made.`;
}
