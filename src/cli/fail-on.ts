import type { Verdict } from '../judge/verdict.js';
import type { Arguments } from './arguments.js';

/** The mildest verdict that refuses: of --fail-on. */
export function failOnOf(args: Arguments): Verdict {
  return (args.text('fail-on') as Verdict | undefined) ?? 'at-risk';
}
