/**
 * A mode turns a finding's severity into another; it never hides one. criu:<cap> isn't in the
 * table: there CRIU's answer decides and every finding of ours is a note (see compare.ts).
 */
import { featureRow } from '../catalogue/index.js';
import type { Finding, FindingCode, Severity } from './finding.js';
import type { Mode } from './mode-names.js';

type SeverityTable = Partial<Record<FindingCode, Severity | ((finding: Finding) => Severity)>>;

function isAboutInstructions(finding: Finding): boolean {
  return finding.feature !== undefined && featureRow(finding.feature).class === 'isa';
}

/** At most this bad. */
function atMost(limit: 'risk' | 'info') {
  return ({ severity }: Finding): Severity =>
    limit === 'info' || severity === 'info' ? 'info' : 'risk';
}

/** Whatever a task can see must be the same. What isn't a difference between the two stays. */
const STRICT: SeverityTable = {
  'instruction-missing': 'blocker',
  'state-missing': 'blocker',
  'xsave-area-grows': 'blocker',
  'xsave-area-shrinks': 'blocker',
  'kernel-feature-missing': 'blocker',
  'state-layout': 'blocker',
  'signal-frame-layout': 'blocker',
  'signal-frame-grows': 'blocker',
  'permission-lost': 'blocker',
  'vendor-differs': 'blocker',
  'cache-line-differs': 'blocker',
  'address-width': 'blocker',
  'hint-missing': 'blocker',
  'identity-differs': 'blocker',
  'state-added': 'blocker',
  'feature-added': 'blocker',
};

/**
 * For programs known to keep no XSAVE image: only lost instructions block. State that goes missing
 * and what the kernel sets up remain risks; the rest is a note.
 */
const INSTRUCTIONS: SeverityTable = {
  'instruction-missing': (finding) =>
    isAboutInstructions(finding) ? finding.severity : atMost('risk')(finding),
  'data-missing': (finding) => {
    if (isAboutInstructions(finding)) return finding.severity;
    // What isn't told may be lost, and its loss is a risk here; sizes and numbers don't count.
    const isAboutState = finding.feature !== undefined || finding.component !== undefined;
    return isAboutState && finding.component !== 'xsave' ? 'risk' : 'info';
  },
  'state-missing': atMost('risk'),
  'kernel-feature-missing': atMost('risk'),
  'xsave-area-grows': 'info',
  'state-layout': 'info',
  'signal-frame-grows': 'info',
  'vendor-differs': 'info',
  'cache-line-differs': 'info',
  'address-width': 'info',
  'cpus-differ': (finding) => (isAboutInstructions(finding) ? finding.severity : 'info'),
};

const TABLES: Readonly<Record<Mode, SeverityTable>> = {
  portable: {},
  strict: STRICT,
  instructions: INSTRUCTIONS,
  advisory: {},
};

export function applyMode(mode: Mode, finding: Finding): Finding {
  const entry = TABLES[mode][finding.code];
  if (entry === undefined) return finding;
  return { ...finding, severity: typeof entry === 'string' ? entry : entry(finding) };
}
