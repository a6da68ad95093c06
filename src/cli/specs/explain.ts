import { COLOR_OPTION, type CommandSpec, JSON_OPTION } from './spec.js';

export const explain: CommandSpec = {
  name: 'explain',
  group: 'hosts',
  summary: 'What a CPU feature is and what losing it means; or what a finding of check means',
  positionals: [
    {
      name: 'feature',
      describe: 'a feature, in the spelling of any known project, or the code of a finding',
      required: true,
      completes: ['feature', 'code'],
    },
    {
      name: 'baseline',
      describe: 'with --why: a baseline, or any HOST (a file, a model, a folder)',
      completes: ['host'],
    },
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
    ['cpugate explain avx512_vnni', 'a feature'],
    ['cpugate explain lzcnt', "another project's name for abm"],
    ['cpugate explain xsave-area-grows', 'a finding'],
    ['cpugate explain --why avx512f cluster.json', 'what took it away'],
  ],
};
