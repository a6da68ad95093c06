import {
  ALLOW_OPTION,
  FAIL_ON_OPTION,
  MASK_OPTION,
  RUNTIME_DIR_OPTION,
  TRAP_OPTION,
} from './mask-options.js';
import { COLOR_OPTION, type CommandSpec, SOURCE_OPTION } from './spec.js';

export const restore: CommandSpec = {
  name: 'restore',
  group: 'images',
  summary: 'Restore dumped tasks by CRIU if they can go on here, and keep them under their mask',
  positionals: [],
  trailing: {
    name: 'CRIU arguments',
    describe: 'what else "criu restore" is given; --cpu-cap and --images-dir come from cpugate',
    optional: true,
  },
  options: {
    images: {
      type: 'string',
      value: 'DIR',
      describe: 'where the images are, or an archive of them; nothing is changed there',
    },
    mask: {
      ...MASK_OPTION,
      describe: "what tasks shall see here (default: the baseline in the dump's record)",
    },
    force: {
      type: 'boolean',
      describe: 'restore whatever the gate says; the log in the runtime folder records it',
    },
    repair: {
      type: 'boolean',
      describe:
        "make larger what glibc keeps of the XSAVE area's size, where this host needs more; in the tasks, not in the images",
    },
    allow: ALLOW_OPTION,
    'fail-on': FAIL_ON_OPTION,
    root: {
      type: 'string',
      value: 'FOLDER',
      describe: 'the root of the file tree that the tasks run in (default: /)',
    },
    source: SOURCE_OPTION,
    background: { type: 'boolean', describe: 'end once the tasks run; the supervisor stays' },
    'pid-file': {
      type: 'string',
      value: 'FILE',
      describe: "write the supervisor's process id to FILE (without a mask: the root task's)",
    },
    trap: TRAP_OPTION,
    'runtime-dir': RUNTIME_DIR_OPTION,
    color: COLOR_OPTION,
  },
  examples: [
    ['cpugate restore --images /srv/web -- --shell-job', 'and wait for the tasks to end'],
    ['cpugate restore --images /srv/web --background --pid-file /run/web.pid', 'as a service'],
    [
      'cpugate restore --images /srv/web --repair --fail-on unknown',
      'tasks that were dumped without a mask where the XSAVE area is smaller',
    ],
    ['cpugate check --from /srv/web --to localhost', 'the same answer, and nothing is restored'],
  ],
  epilogue:
    "Exit status: of tasks under a mask, in the foreground, the root task's own (128 and the signal's " +
    'number where one ended it); else 0. Refused by the gate: 1 incompatible, 3 at-risk, 4 unknown. 2 ' +
    'wrong usage, unreadable images, or a step failed; 69 this host has no CPUID faulting or lacks what ' +
    'the mask shows. Whatever fails, no task is left running.',
};
