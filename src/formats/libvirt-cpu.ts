/**
 * A CPU as libvirt tells it: a named model and features. "virsh capabilities" has the host's, which is
 * libvirt's own reading of CPUID; "virsh domcapabilities" what host-model gives to guests; a domain, or
 * a <cpu> by itself, that of a virtual machine. Source: libvirt docs/formatcaps, formatdomaincaps and
 * formatdomain; src/cpu/cpu_x86.c (x86Decode, x86DataToCPU).
 *
 * What neither the model nor the list has is absent, as far as libvirt had a name for it then. The text
 * doesn't tell its release; a model or name that came late shows that all earlier names were known.
 */
import type { SaxesTagPlain } from 'saxes';
import { type FeatureName, ROWS } from '../catalogue/index.js';
import {
  LIBVIRT_VENDORS,
  type LibvirtModel,
  libvirtModel,
  libvirtModelNames,
  libvirtNameSince,
} from '../catalogue/libvirt-models.js';
import { InputError } from '../model/errors.js';
import {
  encodeSignature,
  mergeRows,
  partialRow,
  rowsFromFeatures,
  vendorRow,
  xcr0FromFeatures,
} from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { isUserVisible } from '../model/prerequisites.js';
import { NO_REGISTERS } from '../model/registers.js';
import { suggest } from '../model/suggest.js';
import { type Format, type Input, malformed } from './format.js';
import { attribute, parseXml, rootOf, shown } from './xml.js';

/** libvirt knows some three hundred features. */
const MOST_FEATURES = 2000;
/** No document of libvirt is half as deep. */
const DEEPEST = 50;
const LONGEST_TEXT = 200;
const NAMES_SHOWN = 6;

/** Where each of libvirt's documents has the CPU. */
const CPU_PATHS = {
  capabilities: 'capabilities/host/cpu',
  domainCapabilities: 'domainCapabilities/cpu/mode',
  domain: 'domain/cpu',
  cpu: 'cpu',
} as const;
type Root = keyof typeof CPU_PATHS;

function isRoot(name: string | undefined): name is Root {
  return name !== undefined && Object.hasOwn(CPU_PATHS, name);
}

/** What became of a feature; undefined: the text leaves it open. */
const POLICIES: ReadonlyMap<string, boolean | undefined> = new Map([
  ['force', true],
  ['require', true],
  ['optional', undefined],
  ['disable', false],
  ['forbid', false],
]);

function namesOf(project: 'libvirt' | 'qemu'): [string, FeatureName][] {
  return ROWS.flatMap((row): [string, FeatureName][] => {
    const name = row.names?.[project];
    return name === undefined ? [] : [[name, row.name]];
  });
}

const named = new Map(namesOf('libvirt'));
/** libvirt's names come before QEMU's, many of which it takes over as they come. */
const byName: ReadonlyMap<string, FeatureName> = new Map([...namesOf('qemu'), ...named]);
const namedFeatures: ReadonlySet<FeatureName> = new Set(named.values());

/** These follow what the guest's kernel, or the host's, has set, and libvirt leaves them out at times. */
const SET_BY_KERNEL: ReadonlySet<FeatureName> = new Set(['osxsave', 'ospke']);

interface Listed {
  readonly policy: string | undefined;
  readonly line: number;
}

/** Of the elements of one CPU, what is read; knows where in the document it is. */
class Taker {
  readonly features = new Map<string, Listed>();
  /** Attributes of elements that have no text: "signature family" … */
  readonly numbers = new Map<string, string>();
  readonly texts = new Map<string, string>();
  /** Attributes of <cpu> itself. */
  readonly about = new Map<string, string>();
  line: number | undefined;
  modelLine: number | undefined;
  arch: string | undefined;
  isComplete = false;
  readonly #input: Input;
  readonly #root: Root;
  readonly #path: string[] = [];
  #depthOfCpu = 0;

  constructor(input: Input, root: Root) {
    this.#input = input;
    this.#root = root;
  }

  open(tag: SaxesTagPlain, line: number): void {
    this.#path.push(tag.name);
    const depth = this.#path.length;
    if (depth > DEEPEST)
      throw malformed(this.#input, `is nested more than ${DEEPEST} deep`, { line });
    const path = depth > 4 ? '' : this.#path.join('/');
    if (this.#depthOfCpu > 0) {
      if (depth === this.#depthOfCpu + 1) this.#child(tag, line);
    } else if (path === CPU_PATHS[this.#root]) this.#cpu(tag, line, depth);
    else if (path === 'domain/os/type') this.arch ??= attribute(tag, 'arch');
  }

  close(): void {
    if (this.#path.length === this.#depthOfCpu) this.#depthOfCpu = 0;
    this.#path.pop();
    this.isComplete ||= this.#path.length === 0;
  }

  text(text: string): void {
    const name = this.#path.at(-1) ?? '';
    const isChild = this.#depthOfCpu > 0 && this.#path.length === this.#depthOfCpu + 1;
    if (isChild) this.#keep(name, text);
    else if (this.#path.length === 2 && this.#root === 'domainCapabilities')
      this.#keep(`domain ${name}`, text);
  }

  #keep(name: string, text: string): void {
    const before = this.texts.get(name) ?? '';
    if (before.length < LONGEST_TEXT && this.texts.size < 100)
      this.texts.set(name, (before + text).slice(0, LONGEST_TEXT));
  }

  #cpu(tag: SaxesTagPlain, line: number, depth: number): void {
    if (this.#root === 'domainCapabilities' && attribute(tag, 'name') !== 'host-model') return;
    if (this.line !== undefined)
      throw malformed(this.#input, 'describes a second CPU', { line }, 'Give one document.');
    this.line = line;
    this.#depthOfCpu = depth;
    for (const name of ['mode', 'match', 'check', 'supported'])
      this.about.set(name, attribute(tag, name) ?? '');
  }

  #child(tag: SaxesTagPlain, line: number): void {
    if (tag.name === 'model') this.modelLine ??= line;
    if (tag.name === 'feature') this.#feature(tag, line);
    else if (['model', 'vendor', 'arch'].includes(tag.name) && this.texts.has(tag.name))
      throw malformed(this.#input, `has <${tag.name}> twice`, { line });
    else
      for (const [name, value] of Object.entries(tag.attributes))
        if (this.numbers.size < 100) this.numbers.set(`${tag.name} ${name}`, value);
  }

  #feature(tag: SaxesTagPlain, line: number): void {
    const name = attribute(tag, 'name');
    const policy = attribute(tag, 'policy');
    if (name === undefined || name === '')
      throw malformed(this.#input, 'has no name', { line, at: '<feature>' });
    if (policy !== undefined && !POLICIES.has(policy))
      throw malformed(this.#input, `has the policy ${shown(policy)}`, {
        line,
        at: `<feature> ${shown(name)}`,
      });
    if (this.features.has(name))
      throw malformed(this.#input, `names the feature ${shown(name)} twice`, { line });
    this.features.set(name, { policy, line });
    if (this.features.size > MOST_FEATURES)
      throw malformed(this.#input, `has more than ${MOST_FEATURES} features`, { line });
  }
}

const RECORD_REMEDY =
  'Record the host itself: "cpugate probe" or "cpuid -r"; of a guest, do so within it.';

function checkArch(input: Input, taker: Taker): void {
  const arch = (taker.texts.get('arch') ?? taker.texts.get('domain arch') ?? taker.arch)?.trim();
  if (arch === undefined || ['x86_64', 'i686', 'x86'].includes(arch)) return;
  throw new InputError('not-x86', `is of another architecture: ${shown(arch)}`, {
    place: { file: input.name, ...(taker.line === undefined ? {} : { line: taker.line }) },
    remedy: 'Only x86 CPUs are compared.',
  });
}

/** Why no model is named, in libvirt's terms. */
function withoutModel(input: Input, root: Root, taker: Taker): InputError {
  const place = taker.line === undefined ? {} : { line: taker.line };
  const mode = taker.about.get('mode') ?? '';
  if (root === 'domainCapabilities')
    return malformed(
      input,
      'offers no host-model with a named CPU',
      place,
      '"virsh domcapabilities --virttype kvm" tells what KVM gives to guests on that host.',
    );
  if (mode !== '' && mode !== 'custom')
    return malformed(
      input,
      `names no CPU model: with ${shown(mode)} a guest has what its host has`,
      place,
      'Give the host ("virsh capabilities", "virsh domcapabilities"), or "virsh dumpxml" of the running domain.',
    );
  return malformed(input, 'names no CPU model', place, RECORD_REMEDY);
}

function findModel(input: Input, name: string, line: number): LibvirtModel {
  const model = libvirtModel(name);
  if (model !== undefined) return model;
  throw new InputError(
    'unknown-model',
    `names the CPU model ${shown(name)}, which is not known: what it has can't be said`,
    {
      place: { file: input.name, line },
      remedy: suggest(name, libvirtModelNames(), RECORD_REMEDY),
    },
  );
}

/** What the text says of each feature by name, and the names that stand for none here. */
function readListed(
  input: Input,
  taker: Taker,
  isHost: boolean,
): { told: Map<FeatureName, boolean | undefined>; others: string[] } {
  const told = new Map<FeatureName, boolean | undefined>();
  const others: string[] = [];
  for (const [name, { policy, line }] of taker.features) {
    const feature = byName.get(name);
    if (feature === undefined) others.push(name);
    else if (isHost && policy !== undefined)
      throw malformed(input, `has a policy for ${name}, and hosts have none`, { line });
    else told.set(feature, policy === undefined || POLICIES.get(policy));
  }
  return { told, others };
}

function numberOf(input: Input, taker: Taker, name: string, most: number): number | undefined {
  const text = taker.numbers.get(name);
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most))
    throw malformed(input, `is not a number up to ${most}: ${shown(text)}`, {
      ...(taker.line === undefined ? {} : { line: taker.line }),
      at: `<${name.replace(' ', '>, ')}`,
    });
  return value;
}

/** What libvirt tells of a host beside features; of a guest it names a vendor at most. */
function identityRows(input: Input, taker: Taker): LeafRow[] {
  const rows: LeafRow[] = [];
  const vendor = taker.texts.get('vendor')?.trim();
  const letters = LIBVIRT_VENDORS.find((row) => row.name === vendor)?.letters;
  if (letters !== undefined) rows.push(vendorRow(letters));
  const number = (name: string, most: number) => numberOf(input, taker, name, most);
  const family = number('signature family', 0xf + 0xff);
  const model = number('signature model', 0xff);
  const stepping = number('signature stepping', 0xf);
  if (family !== undefined && model !== undefined && stepping !== undefined)
    rows.push(partialRow(1, { eax: encodeSignature({ family, model, stepping }) }));
  const bits = number('maxphysaddr bits', 0xff);
  if (bits !== undefined)
    rows.push({
      ...NO_REGISTERS,
      leaf: 0x80000008,
      subleaf: 0,
      eax: bits,
      known: { ...NO_REGISTERS, eax: 0xff },
    });
  return rows;
}

/** Newest map that surely had been there: the one before that which brought the latest of the names. */
function surelyKnown(model: LibvirtModel, told: Iterable<FeatureName>): number {
  return Math.max(0, Math.max(model.release, ...[...told].map(libvirtNameSince)) - 1);
}

interface Sense {
  readonly isHost: boolean;
  /** The list was made from what CPUID shows there; else it is what somebody wished for. */
  readonly isSettled: boolean;
  readonly what: string;
}

function senseOf(root: Root, taker: Taker): Sense {
  const isHost =
    root === 'capabilities' ||
    (root === 'cpu' && taker.about.get('mode') === '' && taker.about.get('match') === '');
  if (isHost)
    return {
      isHost,
      isSettled: true,
      what: "This is what libvirt read from the host's CPUID.",
    };
  if (root === 'domainCapabilities') {
    const type = taker.texts.get('domain domain')?.trim();
    const how = type === 'qemu' ? ' without KVM, where QEMU emulates the CPU' : '';
    return {
      isHost,
      isSettled: true,
      what: `This is what a guest with host-model gets${how}, not the machine that it runs on.`,
    };
  }
  return {
    isHost,
    isSettled: taker.about.get('check') === 'full',
    what: 'This is what a virtual machine with this CPU shows, not the machine that it runs on.',
  };
}

function list(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return `${names.slice(0, NAMES_SHOWN).join(' ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function remarksOn(
  { what }: Sense,
  open: readonly FeatureName[],
  others: readonly string[],
): string[] {
  return [
    `${what} XCR0 is what Linux sets for these features; the XSAVE area isn't in it, nor what libvirt had no name for.`,
    ...(open.length === 0
      ? []
      : [
          `libvirt and QEMU count these otherwise to the model, and the list doesn't name them; they are unknown: ${list(open)}.`,
        ]),
    ...(others.length === 0
      ? []
      : [`Passed over, as they are no bit of CPUID that is known here: ${list(others)}.`]),
  ];
}

function read(input: Input): Host {
  const root = rootOf(input) as Root;
  const taker = new Taker(input, root);
  parseXml(input, 'document of libvirt', taker);
  if (!taker.isComplete) throw malformed(input, `ends before </${root}>`);
  checkArch(input, taker);
  const name = taker.texts.get('model')?.trim() ?? '';
  if (name === '' || taker.about.get('supported') === 'no') throw withoutModel(input, root, taker);
  const model = findModel(input, name, taker.modelLine ?? 1);
  const sense = senseOf(root, taker);
  const { told, others } = readListed(input, taker, sense.isHost);
  const release = surelyKnown(model, told.keys());
  const open = sense.isSettled ? [] : [...model.disputed].filter((one) => !told.has(one));
  const present = new Set(model.features);
  for (const [feature, value] of told)
    if (value === true) present.add(feature);
    else present.delete(feature);
  for (const feature of open) present.delete(feature);
  const tells = (feature: FeatureName) => {
    if (told.has(feature)) return told.get(feature) !== undefined;
    if (SET_BY_KERNEL.has(feature) || open.includes(feature)) return false;
    // A machine of its own, or one of a hypervisor: a guest always is the latter.
    if (feature === 'hypervisor') return sense.isHost;
    return (
      namedFeatures.has(feature) && isUserVisible(feature) && libvirtNameSince(feature) <= release
    );
  };
  const rows = mergeRows([
    ...rowsFromFeatures(present, (row) => tells(row.name)),
    ...identityRows(input, taker),
  ]);
  const microcode = numberOf(input, taker, 'microcode version', 0xffffffff);
  return {
    name: input.name,
    format: 'libvirt-cpu',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(rows), xcr0: xcr0FromFeatures(present, tells) }],
    ...(microcode === undefined ? {} : { system: { microcode: `0x${microcode.toString(16)}` } }),
    remarks: remarksOn(sense, open, others),
  };
}

export const libvirtCpu: Format = {
  name: 'libvirt-cpu',
  title: "libvirt's capabilities, domcapabilities, domain or <cpu>",
  recognise: (input) => isRoot(rootOf(input)),
  read,
};
