/**
 * The command line as data: what each command takes, says of itself and shows as examples. Parsing,
 * help and completion all read it, so they can't disagree.
 */
import { MODES } from '../compare/mode-names.js';
import { VERDICTS } from '../compare/verdict.js';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly describe: string;
  /** One letter. */
  readonly alias?: string;
  /** What the value is called in help. */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** May be given several times, or as a list with commas. */
  readonly list?: true;
}

export interface PositionalSpec {
  readonly name: string;
  readonly describe: string;
  readonly required?: true;
  /** Takes all that is left. */
  readonly variadic?: true;
  /** What completion offers beside file names. */
  readonly completes?: 'host' | 'feature';
}

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly positionals: readonly PositionalSpec[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Command line and what it is for. */
  readonly examples: readonly (readonly [string, string])[];
  readonly epilogue?: string;
}

export const HOST_HELP =
  'A HOST is localhost, a file (found out by its content: a cpugate profile or baseline, cpuid -r, ' +
  'InstLatX64, CRIU cpuinfo.img, libvirt cpudata, QEMU model expansion, Firecracker fingerprint, vzcpuidctl, ' +
  'libcpuid, /proc/cpuinfo), "-" for standard input, or the name of a CPU model ("cpugate show ' +
  '--models"). A file that is called like one of these is written ./NAME.';

const JSON_OPTION: OptionSpec = { type: 'boolean', describe: 'JSON for programs' };
const COLOR_OPTION: OptionSpec = {
  type: 'boolean',
  describe: 'colours (--no-color: none; the default is by terminal and NO_COLOR)',
};
const OUTPUT_OPTION: OptionSpec = {
  type: 'string',
  alias: 'o',
  value: 'FILE',
  describe: 'write to FILE, whole or not at all, instead of standard output',
};

export const CONVERT_TARGETS = [
  'profile',
  'cpuid-raw',
  'criu',
  'libvirt-cpudata',
  'proc-cpuinfo',
] as const;

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'probe',
    summary: 'Record what this host shows to its tasks',
    positionals: [],
    options: {
      output: OUTPUT_OPTION,
      name: { type: 'string', value: 'NAME', describe: 'what to call the host (its host name)' },
    },
    examples: [
      ['cpugate probe -o web-7.json', 'a profile to carry to other hosts'],
      ['ssh web-8 cpugate probe > web-8.json', 'the same from afar'],
    ],
  },
  {
    name: 'show',
    summary: 'What a host is, can do, and what is odd about it',
    positionals: [
      { name: 'host', describe: 'the hosts to show', variadic: true, completes: 'host' },
    ],
    options: {
      json: {
        ...JSON_OPTION,
        describe: 'JSON for programs; one line a host where there are several',
      },
      models: { type: 'boolean', describe: 'list the CPU models that can be named' },
      color: COLOR_OPTION,
    },
    examples: [
      ['cpugate show localhost', 'this host'],
      ['cpugate show dump.txt', 'a dump that somebody sent'],
      ['cpugate show skylake-sp --json', 'a CPU model, for programs'],
    ],
    epilogue: HOST_HELP,
  },
  {
    name: 'check',
    summary: 'Whether tasks can move from one host to another, why, and what to do',
    positionals: [
      { name: 'from', describe: 'the host that the tasks were started on', completes: 'host' },
      { name: 'to', describe: 'the host that they shall go on at', completes: 'host' },
    ],
    options: {
      from: { type: 'string', value: 'HOST', describe: 'the same as the first argument' },
      to: { type: 'string', value: 'HOST', describe: 'the same as the second argument' },
      mode: {
        type: 'string',
        value: 'MODE',
        describe: `${MODES.join(', ')}, or criu:CAP for what "criu --cpu-cap=CAP" will say`,
      },
      mask: {
        type: 'string',
        value: 'BASELINE',
        describe: 'the tasks were started under this baseline and saw no more than it shows',
      },
      allow: {
        type: 'string',
        value: 'FEATURE',
        list: true,
        describe: 'take this blocker on yourself; the report records it',
      },
      'fail-on': {
        type: 'string',
        value: 'VERDICT',
        choices: VERDICTS.slice(1),
        describe: 'the mildest verdict that gives a non-zero exit status',
      },
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
      ['cpugate check a.json b.json --json --fail-on unknown', 'in a script'],
    ],
    epilogue: `Exit status: 0 compatible, 1 incompatible, 2 wrong usage or unreadable input, 3 at-risk, 4 unknown.\n\n${HOST_HELP}`,
  },
  {
    name: 'matrix',
    summary: 'Who can go where: the verdict for every two hosts',
    positionals: [
      {
        name: 'host',
        describe: 'hosts, folders of them, streams of one a line',
        variadic: true,
        completes: 'host',
      },
    ],
    options: {
      svg: { type: 'string', value: 'FILE', describe: 'draw it into FILE, whole or not at all' },
      'skip-unreadable': {
        type: 'boolean',
        describe: "pass over what can't be read, and say so",
      },
      json: JSON_OPTION,
      color: COLOR_OPTION,
    },
    examples: [
      ['cpugate matrix hosts/', 'of all recorded hosts in a folder'],
      ['cpugate matrix haswell skylake-sp epyc-rome', 'of three CPU models'],
      ['cpugate matrix hosts/ --svg moves.svg', 'as a picture'],
    ],
    epilogue:
      'Hosts that no verdict tells apart stand together as a kind. "cpugate check" says why a verdict ' +
      `is as it is.\n\nExit status: 0, whatever the verdicts; 2 wrong usage or unreadable input.\n\n${HOST_HELP}`,
  },
  {
    name: 'baseline',
    summary: 'What all hosts of a cluster have in common, and why not more',
    positionals: [
      {
        name: 'host',
        describe: 'hosts, folders of them, streams of one a line, other baselines',
        variadic: true,
        completes: 'host',
      },
    ],
    options: {
      output: { ...OUTPUT_OPTION, describe: 'write the baseline to FILE, whole or not at all' },
      without: {
        type: 'string',
        value: 'FEATURE',
        list: true,
        describe: 'mask this feature too, and what needs it',
      },
      require: {
        type: 'string',
        value: 'LEVEL|FEATURE',
        list: true,
        describe: 'exit with 1 and say whose fault it is where the baseline lacks it',
      },
      add: {
        type: 'string',
        value: 'HOST',
        describe: 'whether this host can join the baseline given with --to without loss',
      },
      remove: {
        type: 'string',
        value: 'HOST',
        describe: 'what would be gained without this host, by name or record',
      },
      to: { type: 'string', value: 'BASELINE', describe: 'the baseline that --add, --remove mean' },
      pools: {
        type: 'string',
        value: 'N|auto',
        describe: 'group the hosts into pools that keep more; -o writes each beside FILE',
      },
      'keep-layout-conflicts': {
        type: 'boolean',
        describe: 'keep state that hosts lay out differently, and its features',
      },
      'skip-unreadable': {
        type: 'boolean',
        describe: "pass over what can't be read, and say so",
      },
      json: JSON_OPTION,
      color: COLOR_OPTION,
    },
    examples: [
      ['cpugate baseline hosts/ -o cluster.json', 'of all recorded hosts in a folder'],
      ['cpugate baseline haswell epyc-rome', 'of two CPU models'],
      ['cpugate baseline - < fleet.ndjson', 'of a stream, one profile a line'],
      ['cpugate baseline hosts/ --require x86-64-v3', 'fail where the cluster falls below'],
      ['cpugate baseline --add web-9.json --to cluster.json', 'may this host join?'],
    ],
    epilogue:
      'Exit status: 0, or 1 where --require is not met or --add is refused, 2 for wrong usage or ' +
      `unreadable input.\n\n${HOST_HELP}`,
  },
  {
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
  },
  {
    name: 'convert',
    summary: "A host in another tool's format",
    positionals: [
      { name: 'host', describe: 'the host to convert', required: true, completes: 'host' },
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
  },
  {
    name: 'completion',
    summary: 'A script that completes cpugate in your shell',
    positionals: [{ name: 'shell', describe: 'bash or zsh (default: the shell you use)' }],
    options: {},
    examples: [
      ['cpugate completion >> ~/.bashrc', 'bash'],
      ['cpugate completion zsh >> ~/.zshrc', 'zsh'],
    ],
  },
];

export function findCommand(name: string | undefined): CommandSpec | undefined {
  return COMMANDS.find((command) => command.name === name);
}
