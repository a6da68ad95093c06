import { COLOR_OPTION, type CommandSpec, HOST_HELP, JSON_OPTION, KERNEL_OPTION } from './spec.js';

export const show: CommandSpec = {
  name: 'show',
  group: 'hosts',
  summary: 'What a host is, can do, and what is odd about it',
  positionals: [
    { name: 'host', describe: 'hosts, and folders of them', variadic: true, completes: ['host'] },
  ],
  options: {
    json: {
      ...JSON_OPTION,
      describe: 'JSON for programs; one line a host where there may be several',
    },
    models: { type: 'boolean', describe: 'list the CPU models that can be named' },
    kernel: KERNEL_OPTION,
    color: COLOR_OPTION,
  },
  examples: [
    ['cpugate show localhost', 'this host'],
    ['cpugate show dump.txt', 'a dump that somebody sent'],
    ['cpugate show web-7.cpuinfo --kernel 6.1', 'a /proc/cpuinfo, and the kernel that wrote it'],
    ['cpugate show hosts/', 'all recorded hosts in a folder'],
    ['cpugate show skylake-sp --json', 'a CPU model, for programs'],
  ],
  epilogue: HOST_HELP,
};
