/** The mask of a baseline on this host, and on standard error what some tasks under it risk here. */
import { type HostMask, maskForHost } from '../enforce/prepare.js';
import type { NamedBaseline } from '../enforce/recorded-mask.js';
import type { Trap } from '../enforce/trap.js';
import type { Described } from '../model/capabilities.js';
import { printable } from '../model/printable.js';
import { groupFindings } from '../rules/group.js';
import { writeErr } from './output.js';

/** Throws InputError where the host can't give the baseline. */
export function maskHere(named: NamedBaseline, host: Described, trap?: Trap): HostMask {
  const mask = maskForHost(named, host, trap);
  for (const { code, subjects, effect } of groupFindings(mask.risks)) {
    const about = subjects.length === 0 ? '' : ` (${subjects.join(', ')})`;
    writeErr(`cpugate: at risk here: ${code}${about}: ${printable(effect)}\n`);
  }
  return mask;
}
