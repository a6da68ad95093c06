/**
 * Bare and masked runs of one test program, compared. A run has a result for each thing that the
 * suite tells apart: the program's end, under END, and its cases where the output names them.
 *
 * Tests that wait for clocks or other threads don't always end alike, so what differs is run again.
 * It is a difference when masked runs showed something that no bare run did.
 */

/** A case's name, or END, and what became of it. */
export type Results = Readonly<Record<string, string>>;

/** The program's own end among the results. */
export const END = 'end';

export interface Runs {
  readonly bare: readonly Results[];
  readonly masked: readonly Results[];
}

export interface Difference {
  readonly name: string;
  readonly bare: readonly string[];
  readonly masked: readonly string[];
  /** No masked run ended as a bare one did. */
  readonly always: boolean;
}

/** A case that other runs have. */
const ABSENT = 'absent';

/** A run that went to its end: one that was skipped or stopped says nothing of the cases that it lacks. */
function isWhole(results: Results): boolean {
  return /^(?:passes|fails)/.test(results[END] ?? '');
}

function seen(runs: readonly Results[], name: string): readonly string[] {
  const telling = runs.filter((results) => name in results || isWhole(results));
  return [...new Set(telling.map((results) => results[name] ?? ABSENT))].sort();
}

/** In the order of the names, the program's end first. */
export function differencesOf({ bare, masked }: Runs): readonly Difference[] {
  const names = new Set([...bare, ...masked].flatMap((results) => Object.keys(results)));
  const sorted = [...names].filter((name) => name !== END).sort();
  return [END, ...sorted].flatMap((name) => {
    const before = seen(bare, name);
    const after = seen(masked, name);
    if (before.length === 0 || after.every((result) => before.includes(result))) return [];
    return [
      {
        name,
        bare: before,
        masked: after,
        always: after.every((result) => !before.includes(result)),
      },
    ];
  });
}

/** Bare runs that don't agree among themselves. */
export function isUnstable({ bare }: Runs): boolean {
  const names = new Set(bare.flatMap((results) => Object.keys(results)));
  return [...names].some((name) => seen(bare, name).length > 1);
}

/** Why programs differ, and which do. */
export interface Reason {
  readonly reason: string;
  /** "suite: program" or "suite: program: case"; "*" at the end stands for anything. */
  readonly differ: readonly string[];
}

export interface Program {
  readonly suite: string;
  readonly name: string;
}

export interface Finding extends Program {
  readonly runs: number;
  readonly unstable: boolean;
  readonly differences: readonly (Difference & {
    /** undefined: nothing explains it. */
    readonly reason: string | undefined;
  })[];
}

function covers(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function reasonOf(
  reasons: readonly Reason[],
  program: Program,
  difference: Difference,
): string | undefined {
  const whole = `${program.suite}: ${program.name}`;
  const one = `${whole}: ${difference.name}`;
  return reasons.find(({ differ }) =>
    differ.some((pattern) => covers(pattern, whole) || covers(pattern, one)),
  )?.reason;
}

/**
 * A program ends otherwise because a case of it does: an end without a reason of its own takes that of
 * the cases, if each of them has one.
 */
export function findingOf(program: Program, runs: Runs, reasons: readonly Reason[]): Finding {
  const differences = differencesOf(runs).map((difference) => ({
    ...difference,
    reason: reasonOf(reasons, program, difference),
  }));
  const cases = differences.filter(({ name }) => name !== END);
  const inherited = cases.every(({ reason }) => reason !== undefined)
    ? cases[0]?.reason
    : undefined;
  return {
    suite: program.suite,
    name: program.name,
    runs: runs.masked.length,
    unstable: isUnstable(runs),
    differences: differences.map((difference) =>
      difference.name === END && difference.reason === undefined
        ? { ...difference, reason: inherited }
        : difference,
    ),
  };
}

/** Entries of the table that explain nothing here: on another kernel they may. */
export function unusedEntries(
  findings: readonly Finding[],
  reasons: readonly Reason[],
): readonly string[] {
  const differing = findings.flatMap(({ suite, name, differences }) =>
    differences.flatMap((one) => [`${suite}: ${name}`, `${suite}: ${name}: ${one.name}`]),
  );
  return reasons
    .flatMap(({ differ }) => differ)
    .filter((pattern) => !differing.some((text) => covers(pattern, text)));
}

/** Where masked runs show what bare ones don't and the table doesn't say why. */
export function unexplained(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ differences }) =>
    differences.some(({ reason }) => reason === undefined),
  );
}
