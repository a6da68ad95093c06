import type { CommandSpec } from './spec.js';

export const gather: CommandSpec = {
  name: 'gather',
  group: 'hosts',
  summary: 'Record other hosts over ssh, which need neither Node nor cpugate',
  positionals: [
    {
      name: 'host',
      describe: 'hosts as ssh knows them, or "-": names on standard input, one a line',
      variadic: true,
    },
  ],
  options: {
    output: {
      type: 'string',
      alias: 'o',
      value: 'FOLDER',
      describe: 'where each record is written as HOST.json; made where it is missing',
    },
    inventory: {
      type: 'string',
      value: 'FILE',
      list: true,
      describe:
        "hosts of a file: one a line, Ansible's INI, or what ansible-inventory --list prints",
    },
    missing: {
      type: 'boolean',
      describe: 'only hosts that have no record in FOLDER yet: again, after some failed',
    },
    parallel: { type: 'string', value: 'N', describe: 'so many hosts at once (default: 16)' },
    timeout: {
      type: 'string',
      value: 'SECONDS',
      describe: 'how long a host may take (default: 60)',
    },
    ssh: {
      type: 'string',
      value: 'COMMAND',
      describe:
        'ssh with its options, split at blanks (default: ssh -T -o BatchMode=yes -o ConnectTimeout=10)',
    },
  },
  examples: [
    ['cpugate gather web-7 web-8 root@db-1 -o hosts/', 'three hosts'],
    ['cpugate gather --inventory hosts.ini -o hosts/', "all of Ansible's"],
    ['cpugate gather --inventory hosts.ini -o hosts/ --missing', 'again those that failed'],
    ['cpugate gather - -o hosts/ --ssh "ssh -F fleet.conf" < names', 'another ssh, a list'],
  ],
  epilogue:
    'A static program of 1 MiB goes to the host, prints the record and is removed; it needs Linux on x86-64, no root. ' +
    'Hosts are asked without a terminal: keys or an agent must do.\n\n' +
    'Exit status: 0; 2 wrong usage, or where a host gave no record: each is named with the reason, and the ' +
    "others' records are written.",
};
