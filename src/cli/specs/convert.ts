import { type CommandSpec, HOST_HELP, OUTPUT_OPTION } from './spec.js';

export const CONVERT_TARGETS = [
  'profile',
  'cpuid-raw',
  'criu',
  'libvirt-cpudata',
  'proc-cpuinfo',
] as const;

export const convert: CommandSpec = {
  name: 'convert',
  group: 'plumbing',
  summary: "A host in another tool's format",
  positionals: [
    { name: 'host', describe: 'the host to convert', required: true, completes: ['host'] },
  ],
  options: {
    to: {
      type: 'string',
      value: 'FORMAT',
      choices: CONVERT_TARGETS,
      describe: 'the format to write',
    },
    output: OUTPUT_OPTION,
  },
  examples: [
    ['cpugate convert dump.txt --to profile -o host.json', "a dump as cpugate's own profile"],
    ['cpugate convert host.json --to criu -o cpuinfo.img', 'an image that CRIU reads'],
  ],
  epilogue: HOST_HELP,
};
