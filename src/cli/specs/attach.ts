import { MASK_OPTION, PID_FILE_OPTION, RUNTIME_DIR_OPTION, TRAP_OPTION } from './mask-options.js';
import type { CommandSpec } from './spec.js';

export const attach: CommandSpec = {
  name: 'attach',
  group: 'masks',
  summary: 'Put running tasks under a mask; what they asked the CPU before stays with them',
  positionals: [],
  options: {
    mask: MASK_OPTION,
    trap: TRAP_OPTION,
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
    foreground: {
      type: 'boolean',
      describe: 'stay until the tasks end; they end, too, when it is killed',
    },
    background: {
      type: 'boolean',
      describe: 'return when all tasks are under the mask, which is the default',
    },
    'pid-file': PID_FILE_OPTION,
    'runtime-dir': RUNTIME_DIR_OPTION,
  },
  examples: [
    ['cpugate attach --mask cluster.json --pid 4711', 'a server that runs already'],
    ['cpugate attach --mask cluster.json --cgroup /sys/fs/cgroup/web', 'a container'],
  ],
  epilogue:
    'It returns when all tasks are under the mask, and says which and how to let go; the supervisor stays, ' +
    'whatever becomes of the terminal, and writes to supervisor.log in the runtime folder. The tasks end with ' +
    'their supervisor, unless "cpugate detach" lets them go first.\n\n' +
    'Exit status: 0; 69 where this host has no CPUID faulting or lacks what the baseline shows; 125 the ' +
    'supervisor failed; 2 wrong usage or unreadable input.',
};
