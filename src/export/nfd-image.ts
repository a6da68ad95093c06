/**
 * What an image needs of a node, for Node Feature Discovery's image compatibility (v1alpha1, experimental): a file
 * that is attached to the image as an OCI artifact, and that "nfd compat validate-node" holds against a node.
 * Source: Node Feature Discovery's documentation, "Image compatibility artifact".
 */
import type { Baseline } from '../baseline/baseline.js';
import { baselineName, nfdLimits, nfdNeeds } from './nfd-needs.js';
import { note } from './remark.js';
import type { Exported, Target } from './target.js';

const TYPE = 'application/vnd.nfd.image-compatibility';

function write(baseline: Baseline): Exported {
  const needs = nfdNeeds(baseline);
  const flags = [...needs.labelled, ...needs.unlabelled];
  const remarks = [
    note(
      'What an image that was built for the baseline needs of a node. A node that has more fits as well.',
    ),
    note(
      `oras attach --artifact-type ${TYPE}.v1alpha1 IMAGE FILE:${TYPE}.spec.v1alpha1+yaml; nfd compat validate-node --image IMAGE`,
    ),
    ...nfdLimits(needs),
  ];
  const name = baselineName(baseline);
  const rules =
    flags.length === 0
      ? '  rules: []\n'
      : `  rules:
  - name: "${name}"
    matchFeatures:
    - feature: cpu.cpuid
      matchExpressions:
${flags.map((flag) => `        ${flag}: {op: Exists}\n`).join('')}`;
  return {
    content: `version: v1alpha1
compatibilities:
- description: "${name}"
${rules}`,
    remarks,
  };
}

export const nfdImage: Target = {
  name: 'nfd-image',
  file: 'compatibility.yaml',
  comments: 'hash',
  write,
};
