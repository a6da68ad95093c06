/** `baseline --check --json` (schemas/baseline-drift.schema.json). */
import type { Drift } from '../baseline/drift.js';
import { SCHEMA_VERSION } from './baseline-json.js';

export function driftJson({ groups, missing, verdict, hosts }: Drift) {
  return { schemaVersion: SCHEMA_VERSION, verdict, hosts, groups, missing };
}
