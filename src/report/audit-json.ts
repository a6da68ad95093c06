/** `cpugate audit --json` (schemas/audit-report.schema.json). */
import type { Report } from '../judge/judge.js';
import type { Capabilities } from '../model/capabilities.js';
import type { CodeEvidence, CodeFeature } from '../model/code-audit.js';
import { hex } from '../model/registers.js';
import { PRESENT } from '../model/xsave.js';
import { SCHEMA_VERSION } from './baseline-json.js';

/** The command that shows the instruction. */
export function objdumpOf(path: string, first: NonNullable<CodeFeature['first']>): string {
  const stop = first.address + first.length;
  const name = /^[\w./+:@-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
  return `objdump -d --start-address=${hex(first.address)} --stop-address=${hex(stop)} ${name}`;
}

/** Of what the code uses, what isn't known to be there. */
export function hiddenOf(features: readonly CodeFeature[], to: Capabilities): CodeFeature[] {
  return features.filter(({ feature }) => to.effective(feature) !== PRESENT);
}

export function auditJson(report: Report, { files, unread }: CodeEvidence) {
  return {
    schemaVersion: SCHEMA_VERSION,
    verdict: report.verdict,
    target: report.to.name,
    files: files.map(({ path, audit }) => {
      const shown = (features: readonly CodeFeature[]) =>
        hiddenOf(features, report.to).map(({ feature, functions, first }) => ({
          feature,
          functions,
          first: first && {
            symbol: first.symbol,
            offset: hex(first.offset),
            address: hex(first.address),
            show: objdumpOf(path, first),
          },
        }));
      return {
        path,
        buildId: audit.buildId,
        needs: shown(audit.needs),
        chooses: shown(audit.chooses),
        unclear: shown(audit.unclear),
        unprovenBytes: audit.unprovenBytes,
      };
    }),
    unread,
    findings: report.findings,
    allowed: report.allowed,
  };
}
