import { MASK_OPTION, PID_FILE_OPTION, RUNTIME_DIR_OPTION, TRAP_OPTION } from './mask-options.js';
import type { CommandSpec } from './spec.js';

export const run: CommandSpec = {
  name: 'run',
  group: 'masks',
  summary: "Start a program that sees only a baseline's CPU, and can move to every host of it",
  positionals: [],
  trailing: { name: 'command', describe: 'the program and its arguments, passed on untouched' },
  options: {
    mask: MASK_OPTION,
    trap: TRAP_OPTION,
    'pid-file': PID_FILE_OPTION,
    'runtime-dir': RUNTIME_DIR_OPTION,
    audit: {
      type: 'string',
      value: 'WHAT',
      choices: ['refuse', 'warn', 'off'],
      describe:
        'of a program whose code uses what is hidden without asking (default: warn); refuse looks at its libraries, too',
    },
    verbose: {
      type: 'boolean',
      alias: 'v',
      describe: 'say first what is hidden here, and measure what the mask costs (0.3 s)',
    },
  },
  examples: [
    ['cpugate run --mask cluster.json -- server --port 80', 'a server that can be migrated'],
    ['cpugate run --mask cluster.json -- /lib64/ld-linux-x86-64.so.2 --help', 'what glibc sees'],
    ['cpugate run --mask cluster.json --trap patch -- server', 'on a host without CPUID faulting'],
    ['cpugate run --mask cluster.json -- nohup server &', 'ignored signals are set behind "--"'],
  ],
  epilogue:
    "Exit status: the program's own; 128 and the signal's number where one ended it; 127 not found, " +
    '126 not executable, 125 the supervisor failed, 69 this host has no CPUID faulting (--trap patch does without) or lacks what ' +
    'the baseline shows, 2 wrong usage, unreadable input, a program built for more than the baseline, or what --audit refuse finds.',
};
