/** What the commands that put tasks under a mask share. */
import { TRAPS } from '../../enforce/trap.js';
import { failOnOption, type OptionSpec } from './spec.js';

export const MASK_OPTION: OptionSpec = {
  type: 'string',
  value: 'BASELINE',
  describe: 'what tasks shall see: a baseline, or any HOST (a file, a model, a level)',
};
export const RUNTIME_DIR_OPTION: OptionSpec = {
  type: 'string',
  value: 'DIR',
  describe: 'where masks and sockets lie (default: /run/cpugate, or cpugate in XDG_RUNTIME_DIR)',
};
export const PID_FILE_OPTION: OptionSpec = {
  type: 'string',
  value: 'FILE',
  describe: "write the supervisor's process id to FILE",
};
export const TRAP_OPTION: OptionSpec = {
  type: 'string',
  value: 'HOW',
  choices: TRAPS,
  describe:
    'how CPUID is made to trap: by CPUID faulting, by patched code (for programs that mean no harm), or auto: ' +
    'whichever works, in this order (default: faulting)',
};
/** What a restore lets pass. */
export const ALLOW_OPTION: OptionSpec = {
  type: 'string',
  value: 'NAME',
  completes: ['feature', 'component', 'code'],
  list: true,
  describe: 'accept what is found about a feature or state component, or all findings of a code',
};
export const FAIL_ON_OPTION: OptionSpec = failOnOption(
  'the mildest verdict that refuses (default: at-risk)',
);
