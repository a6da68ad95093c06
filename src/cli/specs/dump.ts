import { MASK_OPTION, RUNTIME_DIR_OPTION } from './mask-options.js';
import type { CommandSpec } from './spec.js';

export const dump: CommandSpec = {
  name: 'dump',
  group: 'images',
  summary: 'Dump running tasks by CRIU, under a mask or not, with a record of what they have seen',
  positionals: [],
  trailing: {
    name: 'CRIU arguments',
    describe: 'what "criu dump" is given, --tree PID among it; --images-dir comes from --images',
  },
  options: {
    images: { type: 'string', value: 'DIR', describe: 'where the images go; made if missing' },
    mask: {
      ...MASK_OPTION,
      describe: "the baseline that the tasks are under (default: their supervisor's)",
    },
    'runtime-dir': RUNTIME_DIR_OPTION,
  },
  examples: [
    ['cpugate dump --images /srv/web -- --tree 4711 --shell-job', 'tasks that see the real CPU'],
    ['cpugate dump --images /srv/web -- --tree 4711', 'tasks under a mask, or a supervisor'],
    ['cpugate dump --images /srv/web -- --tree 4711 --leave-running', 'they go on meanwhile'],
  ],
  epilogue:
    'Beside the images lies cpugate-record.json afterwards: this host, the baseline, the versions of ' +
    'CRIU, kernel and glibc. It is written while CRIU still holds the tasks: where that fails, so does ' +
    'the dump, and the tasks go on.\n\n' +
    'Exit status: 0 dumped; 2 wrong usage or not dumped (the tasks go on as before).',
};
