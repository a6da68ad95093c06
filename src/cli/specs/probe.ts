import { type CommandSpec, OUTPUT_OPTION } from './spec.js';

export const probe: CommandSpec = {
  name: 'probe',
  group: 'hosts',
  summary: 'Record what this host shows to its tasks',
  positionals: [],
  options: {
    output: OUTPUT_OPTION,
    name: {
      type: 'string',
      value: 'NAME',
      describe: 'what to call the host (default: its host name)',
    },
  },
  examples: [
    ['cpugate probe -o web-7.json', 'a profile to carry to other hosts'],
    ['ssh web-8 cpugate probe > web-8.json', 'the same from afar'],
  ],
};
