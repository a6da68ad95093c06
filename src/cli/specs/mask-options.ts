/** What the commands that put tasks under a mask share. */
import type { OptionSpec } from './spec.js';

export const MASK_OPTION: OptionSpec = {
  type: 'string',
  value: 'BASELINE',
  describe:
    'what tasks shall see: a file of "cpugate baseline -o", or a HOST as the only one of its kind',
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
