import { MASK_OPTION, RUNTIME_DIR_OPTION, TRAP_OPTION } from './mask-options.js';
import { COLOR_OPTION, type CommandSpec, JSON_OPTION } from './spec.js';

export const verify: CommandSpec = {
  name: 'verify',
  group: 'masks',
  summary: 'Try a mask here: what a program under it sees, should see, and learns by other means',
  positionals: [],
  options: {
    mask: MASK_OPTION,
    trap: TRAP_OPTION,
    'runtime-dir': RUNTIME_DIR_OPTION,
    json: JSON_OPTION,
    color: COLOR_OPTION,
  },
  examples: [
    ['cpugate verify --mask cluster.json', 'before tasks are started here'],
    ['cpugate verify --mask cluster.json --json', 'in a script'],
  ],
  epilogue:
    'Exit status: 0 all answers are as the mask has them; 1 some are not; 69 this host has no CPUID ' +
    'faulting or lacks what the baseline shows; 2 wrong usage, unreadable input, failure.',
};
