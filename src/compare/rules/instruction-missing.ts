import type { Rule } from '../finding.js';
import { findLosses } from './loss.js';

/**
 * Instructions that tasks may have chosen for good (libc's routines, JIT code, XSAVE variants) are
 * gone: SIGILL, or for TZCNT, LZCNT and MPX another meaning of the same bytes. A state feature
 * counts here too: RDPKRU or a tile load faults wherever its state is off.
 * Source: Intel SDM vol. 2 and AMD APM vol. 3, exceptions of each instruction.
 */
export const instructionMissing: Rule = (from, to) =>
  findLosses('instruction-missing', ['isa', 'state'], from, to);
