/** What the rules about code share: a feature that instructions of a file use and the target doesn't show. */
import type { FeatureName } from '../catalogue/index.js';
import type { CodeClass, CodeFile } from '../model/code-audit.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from '../model/xsave.js';
import type { Context } from './context.js';
import type { Found, Severity } from './finding.js';

export type CodeFacts = {
  readonly file: string;
  /** 0: only a note of the file says it. */
  readonly functions: number;
  /** Null: the function has no name in the file. */
  readonly symbol: string | null;
  /** Hexadecimal, as the file was linked; null: only a note of the file says it. */
  readonly address: string | null;
  /** Whether the target lacks it; otherwise that isn't known. */
  readonly isLacking: boolean;
};

export type CodeFound = Found<CodeFacts> & { readonly feature: FeatureName };

/** Whether tasks that have run this code already were shown a feature; absent: none have. */
export function shownBefore({ shown }: CodeFile, feature: FeatureName): Presence {
  return shown?.effective(feature) ?? ABSENT;
}

/**
 * One a file and feature. `severity` is given whether the target lacks it, and what `shownBefore` says; undefined: not
 * this rule's.
 */
export function findInCode(
  { code, to }: Context,
  which: CodeClass,
  severity: (isLacking: boolean, shown: Presence) => Severity | undefined,
): CodeFound[] {
  return (code?.files ?? []).flatMap((file) =>
    file.audit[which]
      .filter(({ feature }) => to.effective(feature) !== PRESENT)
      .flatMap(({ feature, functions, first }) => {
        const isLacking = to.effective(feature) !== UNKNOWN;
        const weight = severity(isLacking, shownBefore(file, feature));
        if (weight === undefined) return [];
        return {
          severity: weight,
          feature,
          facts: {
            file: file.path,
            functions,
            symbol: first?.symbol ?? null,
            address: first === null ? null : `0x${first.address.toString(16)}`,
            isLacking,
          },
        };
      }),
  );
}

/** "3 functions of libfoo.so, first in mix() at 0x1234,". */
export function usersOf({ file, functions, symbol, address }: CodeFacts): string {
  if (address === null) return `a note of ${file}`;
  const count = functions === 1 ? 'a function' : `${functions} functions`;
  const where = symbol === null ? `at ${address}` : `in ${symbol} at ${address}`;
  return `${count} of ${file} (first ${where})`;
}

export function subjectOf({ feature, facts }: Found<CodeFacts>): string {
  return `${feature} in ${facts.file}`;
}
