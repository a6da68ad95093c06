/**
 * Which edges of the catalogue decide, and in what order. The build makes a table of it
 * (generated/prerequisites.js): deriving it at each start takes longer than a comparison.
 */
import { type FeatureClass, type FeatureName, featureRow, ROWS } from '../catalogue/index.js';

export { featureIndex, ROWS } from '../catalogue/index.js';

/** Classes whose features a task can see; only these are compared and make a baseline. */
export const USER_VISIBLE: ReadonlySet<FeatureClass> = new Set([
  'isa',
  'state',
  'kernel_user',
  'hint',
]);

/**
 * What a feature can't do without. Policy edges don't count: real CPUs break them. Nor does what a
 * task can't see under something that it can (long mode needs PAE, PTWRITE needs processor trace):
 * whoever shows the one has the other, and many sources don't tell it.
 */
export function derivePrerequisites(name: FeatureName): FeatureName[] {
  const row = featureRow(name);
  return (row.needs ?? [])
    .filter((edge) => edge.kind !== 'policy')
    .map((edge) => edge.on as FeatureName)
    .filter((needed) => !USER_VISIBLE.has(row.class) || USER_VISIBLE.has(featureRow(needed).class));
}

/** Features in an order in which prerequisites come before what needs them. */
export function deriveClosureOrder(): FeatureName[] {
  const order = new Set<FeatureName>();
  const visit = (name: FeatureName) => {
    if (order.has(name)) return;
    for (const needed of derivePrerequisites(name)) visit(needed);
    order.add(name);
  };
  for (const row of ROWS) visit(row.name);
  return [...order];
}
