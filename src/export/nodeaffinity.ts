/**
 * Kubernetes: only nodes that show all of the baseline. Richer nodes qualify too: programs started
 * there must be kept from what the baseline lacks by other means.
 */
import type { Baseline } from '../baseline/baseline.js';
import { labelOf } from '../catalogue/nfd-labels.js';
import { baselineLabel, nfdLimits, nfdNeeds } from './nfd-needs.js';
import { condition, notExpressed, note, type Remark } from './remark.js';
import type { Exported, Target } from './target.js';

const PATH = [
  'spec:',
  '  template:',
  '    spec:',
  '      affinity:',
  '        nodeAffinity:',
  '          requiredDuringSchedulingIgnoredDuringExecution:',
  '            nodeSelectorTerms:',
  '              - matchExpressions:',
];

function expression(label: string): string {
  const indent = ' '.repeat(18);
  return `${indent}- key: ${label}\n${indent}  operator: In\n${indent}  values: ["true"]\n`;
}

function write(baseline: Baseline): Exported {
  const needs = nfdNeeds(baseline);
  const remarks: Remark[] = [
    note(
      'Pods of a Deployment, StatefulSet or DaemonSet go only to nodes that have all of the baseline, by the labels that Node Feature Discovery sets with its default configuration:',
    ),
    note('kubectl patch deployment NAME --patch-file FILE'),
    condition(
      'A node whose Node Feature Discovery is too old for a flag lacks the label and gets no pod.',
    ),
  ];
  if (needs.unlabelled.length > 0)
    remarks.push(
      notExpressed(
        `By default there is no label for ${needs.unlabelled.join(', ')}, so nothing is asked of them here: apply the rule of --for nfd and ask for ${baselineLabel(baseline)} instead.`,
      ),
    );
  remarks.push(...nfdLimits(needs));
  // An empty list of expressions matches no node at all.
  const body =
    needs.labelled.length === 0
      ? '{}\n'
      : `${PATH.join('\n')}\n${needs.labelled.map((flag) => expression(labelOf(flag))).join('')}`;
  return { content: body, remarks };
}

export const nodeaffinity: Target = {
  name: 'nodeaffinity',
  file: 'nodeaffinity.yaml',
  comments: 'hash',
  write,
};
