import { ENVIRONMENT_FORMAT_NAMES, ENVIRONMENT_FORMATS } from '../../export/environment-formats.js';
import { TARGET_NAMES, TARGET_TITLES } from '../../export/target-names.js';
import { type CommandSpec, HOST_HELP, OUTPUT_OPTION } from './spec.js';

function table(titles: Readonly<Record<string, string>>): string {
  return Object.entries(titles)
    .map(([name, title]) => `  ${name.padEnd(14)}${title}`)
    .join('\n');
}

const EPILOGUE = `Targets:
${table(TARGET_TITLES)}

Formats of environment variables (glibc, runtimes):
${table(ENVIRONMENT_FORMATS)}

Notes, conditions and what a target can't express are comments in the file; where its format has none, they are said on standard error.

${HOST_HELP}`;

/** "export" alone is a word of the language. */
export const exportCommand: CommandSpec = {
  name: 'export',
  group: 'baselines',
  summary: "A baseline as another tool's settings",
  positionals: [
    {
      name: 'baseline',
      describe: 'the baseline; any HOST or folder of hosts is taken as the baseline of those',
      required: true,
      completes: ['host'],
    },
  ],
  options: {
    for: {
      type: 'string',
      value: 'TARGET',
      choices: TARGET_NAMES,
      describe: 'whose settings',
    },
    format: {
      type: 'string',
      value: 'FORMAT',
      choices: ENVIRONMENT_FORMAT_NAMES,
      describe:
        'with --for glibc or runtimes: who reads the environment variables (default: env-file)',
    },
    glibc: {
      type: 'string',
      value: 'VERSION',
      describe: 'with --for glibc: the release (default: those of the hosts)',
    },
    output: OUTPUT_OPTION,
  },
  examples: [
    ['cpugate export cluster.json --for glibc -o glibc.env', 'for podman and docker --env-file'],
    [
      'cpugate export cluster.json --for runtimes --format systemd',
      'for EnvironmentFile= of a unit',
    ],
    ['cpugate export cluster.json --for qemu -o qemu-cpu.txt', 'a virtual machine'],
    ['cpugate export cluster.json --for nfd | kubectl apply -f -', 'a rule for Kubernetes'],
  ],
  epilogue: EPILOGUE,
};
