/** `baseline --check --json` (schemas/baseline-drift.schema.json). */
import type { Drift, KindChange } from '../baseline/drift.js';
import { SCHEMA_VERSION } from './baseline-json.js';

function changeJson({ numbers, ...change }: KindChange) {
  return {
    ...change,
    numbers: numbers.map(({ what, before, after }) => ({
      what,
      before: before ?? null,
      after: after ?? null,
    })),
  };
}

export function driftJson({ groups, missing, verdict, hosts }: Drift) {
  return {
    schemaVersion: SCHEMA_VERSION,
    verdict,
    hosts,
    groups: groups.map(({ change, ...group }) =>
      change === undefined ? group : { ...group, change: changeJson(change) },
    ),
    missing,
  };
}
