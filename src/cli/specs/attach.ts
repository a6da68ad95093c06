import { MASK_OPTION, PID_FILE_OPTION, RUNTIME_DIR_OPTION } from './mask-options.js';
import type { CommandSpec } from './spec.js';

export const attach: CommandSpec = {
  name: 'attach',
  group: 'masks',
  summary: 'Put running tasks under a mask; what they asked the CPU before stays with them',
  positionals: [],
  options: {
    mask: MASK_OPTION,
    pid: {
      type: 'string',
      value: 'PID',
      list: true,
      describe: 'a process and all of its descendants',
    },
    cgroup: {
      type: 'string',
      value: 'PATH',
      list: true,
      describe: 'the processes of a cgroup (version 2), those that come later too',
    },
    background: { type: 'boolean', describe: 'return when all tasks are under the mask' },
    'pid-file': PID_FILE_OPTION,
    'runtime-dir': RUNTIME_DIR_OPTION,
  },
  examples: [
    ['cpugate attach --mask cluster.json --pid 4711 --background', 'a server that runs already'],
    ['cpugate attach --mask cluster.json --cgroup /sys/fs/cgroup/web', 'a container'],
  ],
  epilogue:
    'The tasks end with their supervisor, unless "cpugate detach" lets them go first. ' +
    'Exit status: 0; 69 where this host has no CPUID faulting or lacks what the baseline shows; 125 the ' +
    'supervisor failed; 2 wrong usage or unreadable input.',
};
