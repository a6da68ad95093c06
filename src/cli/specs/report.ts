import { type CommandSpec, HOST_HELP, HOSTS_POSITIONAL, SKIP_UNREADABLE_OPTION } from './spec.js';

export const report: CommandSpec = {
  name: 'report',
  group: 'hosts',
  summary: 'One page about many hosts, to look at in a browser',
  positionals: [HOSTS_POSITIONAL],
  options: {
    output: {
      type: 'string',
      alias: 'o',
      value: 'FILE',
      describe: 'write the page to FILE, whole or not at all, instead of standard output',
    },
    'skip-unreadable': SKIP_UNREADABLE_OPTION,
  },
  examples: [['cpugate report hosts/ -o fleet.html', 'of all recorded hosts in a folder']],
  epilogue:
    'The page is one file that needs no network: who can go where and why, which hosts hold the others back, what ' +
    "pools would keep, and each host's kind.\n\n" +
    `Exit status: 0; 2 wrong usage or unreadable input.\n\n${HOST_HELP}`,
};
