import { COLOR_OPTION, type CommandSpec, HOST_HELP, JSON_OPTION } from './spec.js';

export const matrix: CommandSpec = {
  name: 'matrix',
  group: 'hosts',
  summary: 'Who can go where: the verdict for every two hosts',
  positionals: [
    {
      name: 'host',
      describe: 'hosts, folders of them, streams of one a line',
      variadic: true,
      completes: ['host'],
    },
  ],
  options: {
    svg: { type: 'string', value: 'FILE', describe: 'draw it into FILE, whole or not at all' },
    'skip-unreadable': {
      type: 'boolean',
      describe: "pass over what can't be read, and say so",
    },
    json: JSON_OPTION,
    color: COLOR_OPTION,
  },
  examples: [
    ['cpugate matrix hosts/', 'of all recorded hosts in a folder'],
    ['cpugate matrix haswell skylake-sp epyc-rome', 'of three CPU models'],
    ['cpugate matrix hosts/ --svg moves.svg', 'as a picture'],
  ],
  epilogue:
    'Hosts that no verdict tells apart stand together as a kind. "cpugate check" says why a verdict ' +
    `is as it is.\n\nExit status: 0, whatever the verdicts; 2 wrong usage or unreadable input.\n\n${HOST_HELP}`,
};
