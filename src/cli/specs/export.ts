import { TARGET_NAMES, TARGET_TITLES } from '../../export/target-names.js';
import { type CommandSpec, HOST_HELP, OUTPUT_OPTION } from './spec.js';

const LIST = TARGET_NAMES.map((name) => `  ${name.padEnd(14)}${TARGET_TITLES[name]}`).join('\n');

/** "export" alone is a word of the language. */
export const exportCommand: CommandSpec = {
  name: 'export',
  summary: "A baseline as another tool's settings",
  positionals: [
    {
      name: 'baseline',
      describe: 'the baseline; any HOST or folder of hosts is taken as the baseline of those',
      required: true,
      completes: 'host',
    },
  ],
  options: {
    for: {
      type: 'string',
      value: 'TARGET',
      choices: TARGET_NAMES,
      describe: 'whose settings',
    },
    glibc: {
      type: 'string',
      value: 'VERSION',
      describe: 'with --for glibc: the release, where the hosts tell none or another',
    },
    output: OUTPUT_OPTION,
  },
  examples: [
    ['cpugate export cluster.json --for glibc -o glibc.env', 'an environment file for programs'],
    ['cpugate export cluster.json --for qemu -o qemu-cpu.txt', 'a virtual machine'],
    ['cpugate export cluster.json --for nfd | kubectl apply -f -', 'a rule for Kubernetes'],
  ],
  epilogue: `Targets:\n${LIST}\n\nWhat a target can't express is said on standard error, and in the file where it has comments.\n\n${HOST_HELP}`,
};
