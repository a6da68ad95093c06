/** What "run --verbose" says before the program starts. */
import { VISIBLE } from '../baseline/host-kind.js';
import { measureCost } from '../enforce/measure-cost.js';
import type { NamedBaseline } from '../enforce/recorded-mask.js';
import type { Trap } from '../enforce/trap.js';
import { costSentences } from '../mask/cost.js';
import type { Described } from '../model/capabilities.js';
import { printable } from '../model/printable.js';
import { PRESENT } from '../model/xsave.js';
import { writeErr } from './output.js';

export function explainRun(
  { name, baseline }: NamedBaseline,
  { seen }: Described,
  supervisor: string,
  trap: Trap,
): void {
  const shown = new Set(baseline.features);
  const hidden = VISIBLE.filter(
    (feature) => seen.effective(feature) === PRESENT && !shown.has(feature),
  );
  const notes = [
    `the mask is ${name}${baseline.level === undefined ? '' : `, ${baseline.level}`}`,
    `hidden here: ${hidden.length === 0 ? 'nothing' : hidden.join(', ')}`,
    ...(trap === 'patch'
      ? ['CPUID is changed in the code of programs, which is for those that mean no harm']
      : []),
    `what it costs here: ${costSentences(measureCost(supervisor, trap)).join(' ')}`,
  ];
  for (const note of notes) writeErr(`cpugate: ${printable(note)}\n`);
}
