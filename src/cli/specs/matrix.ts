import {
  COLOR_OPTION,
  type CommandSpec,
  HOST_HELP,
  HOSTS_POSITIONAL,
  JSON_OPTION,
  SKIP_UNREADABLE_OPTION,
} from './spec.js';

export const matrix: CommandSpec = {
  name: 'matrix',
  group: 'hosts',
  summary: 'Who can go where: the verdict for every two hosts',
  positionals: [HOSTS_POSITIONAL],
  options: {
    svg: { type: 'string', value: 'FILE', describe: 'draw it into FILE, whole or not at all' },
    'skip-unreadable': SKIP_UNREADABLE_OPTION,
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
