/**
 * The shape of a rule. One record decides all that is said of a difference: when it is found, of what
 * facts its sentence is made, how severe it is in each mode, what to do, and how it is explained.
 */
import type { Context, Part } from './context.js';
import type { Facts, FindingOf, Found, Remedy, Severity } from './finding.js';
import type { Mode } from './mode-names.js';

/** What sentences call the two sides. */
export interface Names {
  readonly from: string;
  readonly to: string;
}

type InMode = Severity | ((found: Found) => Severity);

export interface RuleRecord<Code extends string, F extends Facts> {
  readonly code: Code;
  readonly reads: readonly Part[];
  /** Pure. */
  find(context: Context): readonly Found<F>[];
  /** One sentence, with a full stop. */
  sentence(found: Found<F>, names: Names): string;
  /** The sentence for several that are listed as one; undefined: this one stands alone. */
  together?(found: Found<F>): string | undefined;
  /** What is listed of one of several; default: the feature or component. */
  subject?(found: Found<F>): string;
  readonly remedy: Remedy | ((found: Found<F>) => Remedy);
  /** What to do, where the remedy isn't "none"; without a context, between any two hosts. */
  readonly advice: string | ((context: Context | undefined) => string);
  /** Severity in modes that don't leave it as found. */
  readonly modes?: Partial<Record<Mode, InMode>>;
  /** All that it can be in mode portable, the worst first. */
  readonly severities: readonly Severity[];
  /** Which of them where, if there are several; a clause without a full stop. */
  readonly where?: string;
  /** When it is found; a clause without a full stop. */
  readonly when: string;
  /** What follows for tasks. */
  readonly meaning: string;
}

/** A rule whose facts only it knows. */
export interface Rule<Code extends string = string> {
  readonly code: Code;
  readonly reads: readonly Part[];
  readonly severities: readonly Severity[];
  readonly where?: string;
  readonly when: string;
  readonly meaning: string;
  /** Undefined: it never asks for anything. */
  readonly advice: string | undefined;
  findings(context: Context): FindingOf<Code>[];
  /** What several of its findings have in common; those with one text are listed as one. */
  together(finding: Found): string | undefined;
  subject(finding: Found): string;
  severityIn(mode: Mode, found: Found): Severity;
}

const NOTHING = 'Nothing needs to be done.';

export function rule<const Code extends string, F extends Facts>(
  record: RuleRecord<Code, F>,
): Rule<Code> {
  const { code, reads, severities, where, when, meaning, modes = {} } = record;
  const adviceIn = (context: Context | undefined) =>
    typeof record.advice === 'function' ? record.advice(context) : record.advice;
  const remedyOf = (found: Found<F>) =>
    typeof record.remedy === 'function' ? record.remedy(found) : record.remedy;
  const toFinding = (found: Found<F>, context: Context): FindingOf<Code> => {
    const { from, to } = context;
    const remedy = remedyOf(found);
    return {
      code,
      ...found,
      effect: record.sentence(found, { from: from.name, to: to.name }),
      remedy,
      ...(remedy === 'none' ? {} : { advice: adviceIn(context) }),
    };
  };
  // Findings come back with the facts that the rule itself put into them.
  const own = (found: Found) => found as Found<F>;
  return {
    code,
    reads,
    severities,
    ...(where === undefined ? {} : { where }),
    when,
    meaning,
    advice: record.remedy === 'none' ? NOTHING : adviceIn(undefined),
    findings: (context) => record.find(context).map((found) => toFinding(found, context)),
    together: (finding) => record.together?.(own(finding)),
    subject: (finding) =>
      record.subject?.(own(finding)) ?? finding.feature ?? finding.component ?? '',
    severityIn: (mode, found) => {
      const severity = modes[mode];
      if (severity === undefined) return found.severity;
      return typeof severity === 'string' ? severity : severity(found);
    },
  };
}

/** At most this bad. */
export function atMost(limit: 'risk' | 'info') {
  return ({ severity }: Found): Severity =>
    limit === 'info' || severity === 'info' ? 'info' : 'risk';
}
