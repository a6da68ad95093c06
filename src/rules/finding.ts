/** What a rule finds. A finding is data: it prints nothing and stops nothing. */
import type { FeatureName } from '../catalogue/index.js';
import type { KernelFeature } from '../catalogue/synthetic-flags.js';

/** In the order in which reports list them. */
export const SEVERITIES = ['blocker', 'unknown', 'risk', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * What makes the difference harmless for tasks that start from now on; the rule's advice says it in
 * words.
 * - launch-mask: start them under a mask that hides it.
 * - boot: hide it at boot (clearcpuid=, no5lvl, a VM's CPU model).
 * - record: record the hosts anew, so that nothing is unknown.
 * - dump-again: take another dump.
 * - newer-criu: take another release of CRIU.
 * - stay: keep the tasks on hosts like their own.
 * - none: nothing is needed.
 */
export const REMEDIES = [
  'launch-mask',
  'boot',
  'record',
  'dump-again',
  'newer-criu',
  'stay',
  'none',
] as const;
export type Remedy = (typeof REMEDIES)[number];

export type Fact = string | number | boolean | null | readonly Fact[];
/** Numbers and names that a sentence is made of. */
export type Facts = Readonly<Record<string, Fact>>;

/** What a rule says of one difference. */
export interface Found<F extends Facts = Facts> {
  readonly severity: Severity;
  /** Canonical name, where it is about one feature; Linux's flag, where no bit of CPUID is one. */
  readonly feature?: FeatureName | KernelFeature;
  /** Name of a state component, or "xsave" for the area as a whole. */
  readonly component?: string;
  readonly facts: F;
}

export interface FindingOf<Code extends string> extends Found {
  readonly code: Code;
  /** One sentence for people. */
  readonly effect: string;
  readonly remedy: Remedy;
  /** What to do, in words; undefined where nothing is needed. */
  readonly advice?: string;
  /** Severity before --allow took it out. */
  readonly allowedFrom?: Severity;
}
