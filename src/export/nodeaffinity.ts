/**
 * Kubernetes: only nodes that show all of the baseline. Richer nodes qualify too: programs started
 * there must be kept from what the baseline lacks by other means.
 */
import type { Baseline } from '../baseline/baseline.js';
import { labelOf } from '../catalogue/nfd-labels.js';
import { baselineLabel, type NfdNeeds, nfdLimits, nfdNeeds } from './nfd-needs.js';
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
];

/** One is enough for a node; all labels of one must be there. An empty one matches no node at all. */
function term(labels: readonly string[]): string {
  const indent = ' '.repeat(18);
  const expressions = labels.map(
    (label) => `${indent}- key: ${label}\n${indent}  operator: In\n${indent}  values: ["true"]\n`,
  );
  return `              - matchExpressions:\n${expressions.join('')}`;
}

function termsOf(baseline: Baseline, { labelled, level }: NfdNeeds): readonly string[] {
  const own = labelled.map(labelOf);
  if (level !== undefined)
    // What the rule of --for nfd has looked at is all of it, whatever the release.
    return [term([labelOf(level), ...own]), term([baselineLabel(baseline)])];
  return own.length === 0 ? [] : [term(own)];
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
  if (needs.level !== undefined)
    remarks.push(
      condition(
        `${needs.level} is a label of Node Feature Discovery 0.19 and later. Nodes with an older one get pods once the rule of --for nfd is applied, whose label ${baselineLabel(baseline)} is enough.`,
      ),
    );
  if (needs.unproven.length > 0)
    remarks.push(
      notExpressed(
        `By default there is no label for ${needs.unproven.join(', ')}, so nothing is asked of them here: apply the rule of --for nfd and ask for ${baselineLabel(baseline)} instead.`,
      ),
    );
  remarks.push(...nfdLimits(needs));
  const terms = termsOf(baseline, needs);
  const body = terms.length === 0 ? '{}\n' : `${PATH.join('\n')}\n${terms.join('')}`;
  return { content: body, remarks };
}

export const nodeaffinity: Target = {
  name: 'nodeaffinity',
  file: 'nodeaffinity.yaml',
  comments: 'hash',
  write,
};
