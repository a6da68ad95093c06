/** What was restored here, and what the gate had said: a line of JSON each, in the runtime folder. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GateReport } from '../judge/gate.js';
import type { Repair } from '../model/image-folder.js';
import type { Restored } from './restore-tasks.js';
import { openRuntimeFolder } from './runtime-folder.js';

function repairLine({ pid, sizes }: Repair) {
  return { pid, sizes: sizes.map(({ before, after }) => ({ before, after })) };
}

export function logRestore(
  folder: string,
  uid: number,
  { images, verdict, forced, findings, repair }: GateReport,
  { root, supervisor }: Restored,
): void {
  openRuntimeFolder(folder, uid);
  const line = {
    time: new Date().toISOString(),
    images: images.folder,
    source: images.told ?? images.source,
    verdict,
    forced,
    findings: forced ? findings.map(({ code, severity }) => `${severity}: ${code}`) : [],
    ...(repair?.isAsked === true ? { repaired: repair.repairs.map(repairLine) } : {}),
    root,
    supervisor: supervisor?.pid ?? null,
  };
  appendFileSync(join(folder, 'restores.jsonl'), `${JSON.stringify(line)}\n`, { mode: 0o600 });
}
