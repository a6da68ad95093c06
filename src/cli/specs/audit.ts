import {
  COLOR_OPTION,
  type CommandSpec,
  FAIL_ON_STATUS_OPTION,
  HOST_HELP,
  JSON_OPTION,
} from './spec.js';

export const audit: CommandSpec = {
  name: 'audit',
  group: 'masks',
  summary:
    'Whether code uses instructions that a mask hides or a host lacks, without asking the CPU',
  positionals: [
    {
      name: 'thing',
      describe:
        "a program, a library, a folder of such (a container's root), or a dump: CRIU's images, an archive",
      variadic: true,
      completes: ['file'],
    },
  ],
  options: {
    mask: {
      type: 'string',
      value: 'BASELINE',
      describe: 'the code shall run under this baseline: a file, a level (x86-64-v2), a CPU model',
    },
    to: { type: 'string', value: 'HOST', describe: 'the code shall run on this host' },
    root: {
      type: 'string',
      value: 'FOLDER',
      describe:
        'THING is a dump: the root of the file tree where its tasks shall go on (default: /)',
    },
    pid: {
      type: 'string',
      value: 'PID',
      list: true,
      describe: 'what this process has mapped to execute',
    },
    allow: {
      type: 'string',
      value: 'NAME',
      completes: ['feature', 'code'],
      list: true,
      describe:
        'accept what is found about a feature, or all findings of a code; the report records it',
    },
    'fail-on': FAIL_ON_STATUS_OPTION,
    verbose: {
      type: 'boolean',
      alias: 'v',
      describe: 'files that ask the CPU first, and those with nothing to say of, too',
    },
    json: JSON_OPTION,
    color: COLOR_OPTION,
  },
  examples: [
    ['cpugate audit /usr/bin/server --mask cluster.json', 'may it run under the mask?'],
    ['cpugate audit /usr/lib/x86_64-linux-gnu --mask x86-64-v2', 'all libraries in a folder'],
    ['cpugate audit --pid 4711 --to web-8.json', 'what a running process has loaded'],
    ['cpugate audit /srv/web --root /srv/root --to web-8.json', 'the code of dumped tasks'],
    ['cpugate audit server --mask cluster.json --json --fail-on incompatible', 'in a script'],
  ],
  epilogue: `Exit status: 0 compatible, 1 incompatible, 2 wrong usage or unreadable input, 3 at-risk, 4 unknown.\n\n${HOST_HELP}`,
};
