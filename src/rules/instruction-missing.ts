import { isAboutInstructions } from './about.js';
import { BASELINE } from './advice.js';
import { findLosses, lossTogether, remedyOfLoss, sentenceOfLoss } from './losses.js';
import { atMost, rule } from './rule.js';

/**
 * Instructions that tasks may have chosen for good (libc's routines, JIT code, XSAVE variants) are
 * gone: SIGILL, or for TZCNT, LZCNT and MPX another meaning of the same bytes. A state feature
 * counts here too: RDPKRU or a tile load faults wherever its state is off.
 * Source: Intel SDM vol. 2 and AMD APM vol. 3, exceptions of each instruction.
 */
export const instructionMissing = rule({
  code: 'instruction-missing',
  reads: ['features', 'fields'],
  find: (context) => findLosses(['isa', 'state'], context),
  sentence: sentenceOfLoss,
  together: lossTogether,
  remedy: remedyOfLoss,
  modes: {
    strict: 'blocker',
    instructions: (found) => (isAboutInstructions(found) ? found.severity : atMost('risk')(found)),
  },
  severities: ['blocker', 'risk', 'info'],
  where: 'risk or info for a few features: "cpugate explain FEATURE" says for which',
  when: 'the source has instructions, XSAVE variants among them, that the target lacks',
  meaning:
    'A task that chose them at its start, by itself or in a library, fails with SIGILL. TZCNT, LZCNT and MPX ' +
    'give wrong results instead, without an error.',
  advice: BASELINE,
});
