/**
 * A rule for Node Feature Discovery: a label for nodes that have all of the baseline, and labels for
 * those flags that it keeps to itself by default. Rules see every flag.
 */
import type { Baseline } from '../baseline/baseline.js';
import { LABEL_PREFIX, labelOf } from '../catalogue/nfd-labels.js';
import { baselineLabel, baselineName, nfdLimits, nfdNeeds } from './nfd-needs.js';
import { note } from './remark.js';
import type { Exported, Target } from './target.js';

/** Without flags it would match every node. */
function rule(name: string, label: string, flags: readonly string[]): string {
  const expressions = flags.map((flag) => `            ${flag}: {op: Exists}\n`).join('');
  return `    - name: "${name}"
      labels:
        "${label}": "true"
      matchFeatures:
        - feature: cpu.cpuid
          matchExpressions:
${expressions}`;
}

function write(baseline: Baseline): Exported {
  const needs = nfdNeeds(baseline);
  const flags = [...needs.labelled, ...needs.unlabelled];
  const name = baselineName(baseline);
  const head = [
    `Nodes that have all of the baseline get the label ${baselineLabel(baseline)}=true; flags that Node Feature Discovery sets no label for by default get theirs (${LABEL_PREFIX}cpu-cpuid.FLAG).`,
    'kubectl apply -f FILE',
    'Another baseline has another name: keep the old rule as long as pods ask for its label.',
  ];
  const remarks = [...head.map(note), ...nfdLimits(needs)];
  if (flags.length === 0) return { content: '', remarks };
  const rules = [
    rule(name, baselineLabel(baseline), flags),
    ...needs.unlabelled.map((flag) => rule(`${name} ${flag}`, labelOf(flag), [flag])),
  ];
  const body = `apiVersion: nfd.k8s-sigs.io/v1alpha1
kind: NodeFeatureRule
metadata:
  name: ${name}
spec:
  rules:
${rules.join('')}`;
  return { content: body, remarks };
}

export const nfd: Target = {
  name: 'nfd',
  file: 'nfd.yaml',
  comments: 'hash',
  write,
};
