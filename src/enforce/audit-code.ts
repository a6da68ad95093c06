/** What files' code needs of the CPU: read, decoded, and what their notes say added. */
import { LEVELS } from '../catalogue/index.js';
import type { CodeAudit, CodeFeature, CodeFile } from '../model/code-audit.js';
import { neededIsaLevel } from '../probe/isa-level-note.js';
import { type FoundCode, readCode } from './code-files.js';

/** A note proves what a file needs, whatever its code was seen to do. That it has none proves nothing. */
function withNote(audit: CodeAudit, level: number | undefined): CodeAudit {
  if (level === undefined) return audit;
  const found = new Set(audit.needs.map(({ feature }) => feature));
  const said = LEVELS.slice(0, level)
    .flatMap(({ features }) => features)
    .filter((feature) => !found.has(feature))
    .map((feature): CodeFeature => ({ feature, functions: 0, first: null }));
  return { ...audit, needs: [...audit.needs, ...said] };
}

/** Undefined: no program or library for x86-64. Throws what the system throws. */
export async function auditFile(found: FoundCode): Promise<CodeFile | undefined> {
  const bytes = readCode(found);
  return bytes && auditBytes(found.path, bytes);
}

/** `bytes`: the whole file. Undefined: no program or library for x86-64. */
export async function auditBytes(path: string, bytes: Uint8Array): Promise<CodeFile | undefined> {
  const { auditCode } = await import('../audit/index.js');
  const audit = auditCode(bytes);
  return audit && { path, audit: withNote(audit, neededIsaLevel(bytes)) };
}
