/** Findings as people read them: those of which their rule says one thing stand together. */
import { type Finding, type FindingCode, ruleOf } from './index.js';

export interface FindingGroup {
  readonly code: FindingCode;
  /** Features, components or what else the findings are about; none where the sentence says it. */
  readonly subjects: readonly string[];
  readonly effect: string;
}

/** The area as a whole, which isn't the feature of that name, is in the sentence. */
function subjectOf(finding: Finding): string {
  const isArea = finding.feature === undefined && finding.component === 'xsave';
  return isArea ? '' : ruleOf(finding.code).subject(finding);
}

export function groupFindings(findings: readonly Finding[]): FindingGroup[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = `${finding.code} ${ruleOf(finding.code).together(finding) ?? finding.effect}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].map((members) => {
    const first = members[0] as Finding;
    const isOne = members.every(({ effect }) => effect === first.effect);
    return {
      code: first.code,
      // APX is a feature and a state, and may be unknown as both.
      subjects: [...new Set(members.map(subjectOf))].filter((subject) => subject !== ''),
      effect: isOne ? first.effect : (ruleOf(first.code).together(first) ?? first.effect),
    };
  });
}

/** What findings advise, each once. */
export function advicesOf(findings: readonly Finding[]): string[] {
  return [...new Set(findings.flatMap(({ advice }) => advice ?? []))];
}

/** "feature-added (12), identity-differs": the codes alone, so that the grave ones stay in sight. */
export function codesBriefly(findings: readonly Pick<Finding, 'code'>[]): string {
  const counts = new Map<string, number>();
  for (const { code } of findings) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([what, count]) => (count === 1 ? what : `${what} (${count})`)).join(', ');
}
