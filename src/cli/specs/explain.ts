import { COLOR_OPTION, type CommandSpec, JSON_OPTION } from './spec.js';

export const explain: CommandSpec = {
  name: 'explain',
  summary: 'What a CPU feature is and what losing it means',
  positionals: [
    {
      name: 'feature',
      describe: 'a feature, in the spelling of any known project',
      required: true,
      completes: 'feature',
    },
    { name: 'baseline', describe: 'with --why: the baseline' },
  ],
  options: {
    why: {
      type: 'boolean',
      describe: 'why the baseline lacks the feature, and whose fault it is',
    },
    json: JSON_OPTION,
    color: COLOR_OPTION,
  },
  examples: [
    ['cpugate explain avx512_vnni', ''],
    ['cpugate explain lzcnt', "another project's name for abm"],
    ['cpugate explain --why avx512f cluster.json', 'what took it away'],
  ],
};
