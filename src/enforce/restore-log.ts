/** What was restored here, and what the gate had said: a line of JSON each, in the runtime folder. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GateReport } from '../judge/gate.js';
import type { Verdict } from '../judge/verdict.js';
import type { Repair } from '../model/image-folder.js';
import type { Finding } from '../rules/index.js';
import { openRuntimeFolder } from './runtime-folder.js';

export interface RestoreOutcome {
  /** Of the root, on this host; undefined: the engine knows. */
  readonly root?: number | undefined;
  /** Undefined: none, the tasks came back without a mask, or it isn't known yet. */
  readonly supervisor?: number | undefined;
  /** The mildest verdict that would have refused. */
  readonly failOn: Verdict;
}

function word({ code, severity, allowedFrom, feature, component }: Finding): string {
  const about = feature ?? component;
  return `${allowedFrom ?? severity}: ${code}${about === undefined ? '' : ` ${about}`}`;
}

function repairLine({ pid, sizes }: Repair) {
  return { pid, sizes: sizes.map(({ before, after }) => ({ before, after })) };
}

/** A line of restores.jsonl. Risks that were taken are in it, and what took them. Pure. */
export function restoreLine(
  { images, verdict, forced, findings, allowed, repair }: GateReport,
  { root, supervisor, failOn }: RestoreOutcome,
  time: Date,
): object {
  return {
    time: time.toISOString(),
    images: images.folder,
    source: images.told ?? images.source,
    verdict,
    forced,
    failOn,
    allowed: allowed.filter(({ used }) => used).map(({ name }) => name),
    findings: findings
      .filter(({ severity, allowedFrom }) => severity !== 'info' || allowedFrom !== undefined)
      .map(word),
    ...(repair?.isAsked === true ? { repaired: repair.repairs.map(repairLine) } : {}),
    root: root ?? null,
    supervisor: supervisor ?? null,
  };
}

export function logRestore(
  folder: string,
  uid: number,
  report: GateReport,
  outcome: RestoreOutcome,
): void {
  openRuntimeFolder(folder, uid);
  const line = restoreLine(report, outcome, new Date());
  appendFileSync(join(folder, 'restores.jsonl'), `${JSON.stringify(line)}\n`, { mode: 0o600 });
}
