import { AGREEMENT_NAMES } from '../../baseline/agreement-names.js';
import {
  COLOR_OPTION,
  type CommandSpec,
  failOnOption,
  HOST_HELP,
  JSON_OPTION,
  KERNEL_OPTION,
  OUTPUT_OPTION,
  SKIP_UNREADABLE_OPTION,
} from './spec.js';

export const baseline: CommandSpec = {
  name: 'baseline',
  group: 'baselines',
  summary: 'What all hosts of a cluster have in common, and why not more',
  positionals: [
    {
      name: 'host',
      describe: 'hosts, folders of them, streams of one a line, other baselines',
      variadic: true,
      completes: ['host'],
    },
  ],
  options: {
    output: { ...OUTPUT_OPTION, describe: 'write the baseline to FILE, whole or not at all' },
    without: {
      type: 'string',
      value: 'FEATURE',
      completes: ['feature'],
      list: true,
      describe: 'mask this feature too, and what needs it',
    },
    require: {
      type: 'string',
      value: 'NAME',
      completes: ['level', 'feature'],
      offers: AGREEMENT_NAMES,
      list: true,
      describe:
        'a level, a feature, or one-vendor, one-cache-line, one-address-width: exit with 1 and say whose ' +
        'fault it is where the hosts fall short',
    },
    add: {
      type: 'string',
      value: 'HOST',
      describe: 'whether this host can join the baseline given with --to',
    },
    remove: {
      type: 'string',
      value: 'HOST',
      describe: 'what would be gained without this host, by name or record',
    },
    to: { type: 'string', value: 'BASELINE', describe: 'the baseline that --add, --remove mean' },
    check: {
      type: 'string',
      value: 'BASELINE',
      describe:
        'whether tasks under this baseline can still go to each of the hosts, and what changed there since',
    },
    'fail-on': failOnOption(
      'with --check: the mildest verdict that gives a non-zero status (default: at-risk)',
    ),
    pools: {
      type: 'string',
      value: 'N|auto',
      offers: ['auto'],
      describe: 'group the hosts into pools that keep more; -o writes each beside FILE',
    },
    'keep-layout-conflicts': {
      type: 'boolean',
      describe: 'keep state that hosts lay out differently, and its features',
    },
    kernel: KERNEL_OPTION,
    'skip-unreadable': SKIP_UNREADABLE_OPTION,
    json: JSON_OPTION,
    color: COLOR_OPTION,
  },
  examples: [
    ['cpugate baseline hosts/ -o cluster.json', 'of all recorded hosts in a folder'],
    ['cpugate baseline haswell epyc-rome', 'of two CPU models'],
    ['cpugate baseline - < fleet.ndjson', 'of a stream, one profile a line'],
    ['cpugate baseline hosts/ --require x86-64-v3', 'fail where the cluster falls below'],
    ['cpugate baseline hosts/ --require one-vendor', 'fail where vendors are mixed'],
    ['cpugate baseline --add web-9.json --to cluster.json', 'may this host join?'],
    ['cpugate baseline --check cluster.json hosts/', 'which hosts still fit, and what changed?'],
  ],
  epilogue:
    'Exit status: 0, or 1 where --require is not met or --add is refused (nothing is written then), 2 for wrong usage or ' +
    `unreadable input; of --check that of the worst verdict: 0 compatible, 1 incompatible, 3 at-risk, 4 unknown.\n\n${HOST_HELP}`,
};
