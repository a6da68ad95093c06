import { RUNTIME_DIR_OPTION } from './mask-options.js';
import type { CommandSpec } from './spec.js';

export const detach: CommandSpec = {
  name: 'detach',
  group: 'masks',
  summary: 'Let tasks under a mask go: they live on and see the real CPU',
  positionals: [],
  options: {
    pid: {
      type: 'string',
      value: 'PID',
      list: true,
      describe: 'any task of the tree; all that its supervisor holds are let go',
    },
    'runtime-dir': RUNTIME_DIR_OPTION,
  },
  examples: [['cpugate detach --pid 4711', 'the tree that 4711 is in']],
  epilogue: 'Exit status: 0; 1 where a task has no supervisor or it refused; 2 wrong usage.',
};
