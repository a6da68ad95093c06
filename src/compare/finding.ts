/** What a comparison finds. A finding is data: it prints nothing and stops nothing. */
import type { FeatureName } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';

/** In the order in which reports list them. */
export const SEVERITIES = ['blocker', 'unknown', 'risk', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * In the order in which reports list them; each has a file of this name in rules/, here or, where only
 * images tell, in gate/.
 */
export const FINDING_CODES = [
  'criu-refuses',
  'criu-unknown',
  'criu-accepts',
  'source-unknown',
  'criu-too-old',
  'state-in-use',
  'state-not-dumped',
  'mask-bypassed',
  'instruction-missing',
  'state-missing',
  'xsave-area-grows',
  'kernel-feature-missing',
  'state-layout',
  'signal-frame-layout',
  'signal-frame-grows',
  'permission-lost',
  'unnamed-feature-missing',
  'data-missing',
  'cpus-differ',
  'vendor-differs',
  'cache-line-differs',
  'address-width',
  'hint-missing',
  'identity-differs',
  'state-not-enabled',
  'xsave-area-shrinks',
  'state-added',
  'feature-added',
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

/**
 * What makes the difference harmless for tasks that start from now on.
 * - launch-mask: start them under a mask that hides it.
 * - boot: hide it at boot (clearcpuid=, no5lvl, a VM's CPU model).
 * - none: nothing does, or nothing is needed.
 */
export type Remedy = 'launch-mask' | 'boot' | 'none';

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Canonical name, where the finding is about one feature. */
  readonly feature?: FeatureName;
  /** Name of a state component, or "xsave" for the area as a whole. */
  readonly component?: string;
  /** One sentence for people. */
  readonly effect: string;
  readonly remedy: Remedy;
  /** Severity before --allow took the blocker out. */
  readonly allowedFrom?: Severity;
}

/** A pure question to two hosts: may tasks started on `from` go on at `to`? */
export type Rule = (from: Capabilities, to: Capabilities) => Finding[];
