/** What a command is described by, and what several commands share. */
import { VERDICTS } from '../../judge/verdict.js';

/** Where completion takes words from: file names are the shell's. */
export type WordSource = 'file' | 'host' | 'feature' | 'component' | 'level' | 'code';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly describe: string;
  /** One letter. */
  readonly alias?: string;
  /** What the value is called in help. */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** What completion offers; by the value's name, where that tells it. */
  readonly completes?: readonly WordSource[];
  /** Words that completion offers as well, of values that aren't a list. */
  readonly offers?: readonly string[];
  /** May be given several times, or as a list with commas. */
  readonly list?: true;
}

export interface PositionalSpec {
  readonly name: string;
  readonly describe: string;
  readonly required?: true;
  /** Takes all that is left. */
  readonly variadic?: true;
  readonly choices?: readonly string[];
  readonly completes?: readonly WordSource[];
  readonly offers?: readonly string[];
}

/** By job, in the order of the help. What people don't type often stands apart. */
export const COMMAND_GROUPS = {
  hosts: 'Hosts: record, look at, compare',
  baselines: 'Baselines: what hosts have in common',
  masks: 'Masks: programs that see only a baseline',
  images: 'CRIU: dump and restore under the same rules',
  plumbing: 'For other programs',
} as const;
export type CommandGroup = keyof typeof COMMAND_GROUPS;

export interface CommandSpec {
  readonly name: string;
  readonly group: CommandGroup;
  readonly summary: string;
  readonly positionals: readonly PositionalSpec[];
  /** A command line behind "--", which is the user's and passed on as it stands. */
  readonly trailing?: {
    readonly name: string;
    readonly describe: string;
    readonly optional?: true;
  };
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Command line and what it is for. */
  readonly examples: readonly (readonly [string, string])[];
  readonly epilogue?: string;
}

export const HOST_HELP =
  'A HOST is localhost, a file (found out by its content: a cpugate profile or baseline, cpuid -r, ' +
  "InstLatX64, CRIU cpuinfo.img or crit's JSON, libvirt cpudata, virsh capabilities or domcapabilities, " +
  'a domain, QEMU model expansion, QEMU -cpu, Firecracker fingerprint, vzcpuidctl, libcpuid, /proc/cpuinfo, lscpu, a list of flags, ' +
  'ld.so --list-diagnostics, CPU features of a JVM with CRaC, Kubernetes nodes with NFD labels, ' +
  'xl info, xe host-cpu-info, kernel log of x86/fpu; quoted or ' +
  'indented too), a dump of tasks (a folder of CRIU images, or what Podman, CRI-O or containerd export: tar, ' +
  'gzip, Zstandard, OCI image), "-" for standard input, the name of a CPU model ("cpugate show --models"), ' +
  'of a virtual CPU (Skylake-Server-v4, qemu:Haswell), or of machines in a cloud (aws:m5, azure:Dsv4, gcp:n2). A file ' +
  'that is called like one of these is written ./NAME.';

export const JSON_OPTION: OptionSpec = { type: 'boolean', describe: 'JSON for programs' };
export const KERNEL_OPTION: OptionSpec = {
  type: 'string',
  value: 'VERSION',
  describe:
    'every /proc/cpuinfo, lscpu or list of flags given is of Linux VERSION or later, which tells more of it',
};
export const SOURCE_OPTION: OptionSpec = {
  type: 'string',
  value: 'HOST',
  completes: ['host'],
  describe:
    'images without a record: the host that their tasks were started and dumped on; what the images tell must agree',
};
export const SKIP_UNREADABLE_OPTION: OptionSpec = {
  type: 'boolean',
  describe: "pass over what can't be read, and say so",
};
export const HOSTS_POSITIONAL: PositionalSpec = {
  name: 'host',
  describe: 'hosts, folders of them, streams of one a line',
  variadic: true,
  completes: ['host'],
};
/** --fail-on; what it does differs. */
export function failOnOption(describe: string): OptionSpec {
  return { type: 'string', value: 'VERDICT', choices: VERDICTS.slice(1), describe };
}
/** Of commands whose exit status is a verdict's. */
export const FAIL_ON_STATUS_OPTION: OptionSpec = failOnOption(
  'the mildest verdict that gives a non-zero exit status (default: at-risk)',
);
export const COLOR_OPTION: OptionSpec = {
  type: 'boolean',
  describe: 'colours (--no-color: none; the default is by terminal and NO_COLOR)',
};
export const OUTPUT_OPTION: OptionSpec = {
  type: 'string',
  alias: 'o',
  value: 'FILE',
  describe: 'write to FILE, whole or not at all, instead of standard output',
};
