import { MODES } from '../../rules/mode-names.js';
import {
  COLOR_OPTION,
  type CommandSpec,
  FAIL_ON_STATUS_OPTION,
  HOST_HELP,
  JSON_OPTION,
  KERNEL_OPTION,
  SOURCE_OPTION,
} from './spec.js';

export const check: CommandSpec = {
  name: 'check',
  group: 'hosts',
  summary: 'Whether tasks can move from one host to another, why, and what to do',
  positionals: [
    { name: 'from', describe: 'the host that the tasks were started on', completes: ['host'] },
    { name: 'to', describe: 'the host that they shall go on at', completes: ['host'] },
  ],
  options: {
    from: { type: 'string', value: 'HOST', describe: 'the same as the first argument' },
    to: { type: 'string', value: 'HOST', describe: 'the same as the second argument' },
    mode: {
      type: 'string',
      value: 'MODE',
      offers: [...MODES, 'criu:default', 'criu:cpu', 'criu:ins', 'criu:fpu'],
      describe: `${MODES.join(', ')}, or criu:CAP for what "criu --cpu-cap=CAP" will say (default: portable)`,
    },
    for: {
      type: 'string',
      value: 'WHAT',
      choices: ['tasks', 'vm'],
      describe:
        "tasks (default), or vm: a virtual machine that shows its host's CPU (host-model, host-passthrough, -cpu host)",
    },
    mask: {
      type: 'string',
      value: 'BASELINE',
      describe: 'the tasks were started under this baseline and saw no more than it shows',
    },
    root: {
      type: 'string',
      value: 'FOLDER',
      describe: 'FROM is a dump: the root of the file tree that its tasks ran in (default: /)',
    },
    source: SOURCE_OPTION,
    criu: {
      type: 'string',
      value: 'VERSION',
      describe: 'FROM is a dump: version of the CRIU that will restore it',
    },
    kernel: KERNEL_OPTION,
    allow: {
      type: 'string',
      value: 'NAME',
      completes: ['feature', 'component', 'code'],
      list: true,
      describe:
        'accept what is found about a feature or state component, or all findings of a code; the report records it',
    },
    'fail-on': FAIL_ON_STATUS_OPTION,
    verbose: {
      type: 'boolean',
      alias: 'v',
      describe: 'every difference, the harmless ones too',
    },
    json: JSON_OPTION,
    color: COLOR_OPTION,
  },
  examples: [
    ['cpugate check web-7.json localhost', 'may tasks of web-7 come here?'],
    ['cpugate check haswell skylake-sp', 'the same for two CPU models'],
    ['cpugate check cpuinfo.img localhost --mode criu:ins', "CRIU's own answer, and cpugate's"],
    ['cpugate check --from /var/tmp/images --to localhost', 'may these dumped tasks go on here?'],
    ['cpugate check /srv/web web-9.json --source web-7.json', 'dumped on web-7, without a record'],
    ['cpugate check web.tar.gz localhost', 'may this container, which Podman has exported?'],
    ['cpugate check web-7.json web-8.json --for vm', 'may a machine with host-model move?'],
    ['cpugate check a.json b.json --json --fail-on unknown', 'in a script'],
  ],
  epilogue: `Exit status: 0 compatible, 1 incompatible, 2 wrong usage or unreadable input, 3 at-risk, 4 unknown.\n\n${HOST_HELP}`,
};
