/**
 * What CRIU finds out about the CPU it runs on, bug for bug. Source: compel_cpuid and compel_fpuid
 * in its compel/arch/x86/src/lib/cpu.c; 3.17 and 4.1 agree.
 *
 * Of hosts that no OS ran on, it is what CRIU would find under a Linux that enables all it can.
 */
import { COMPONENT, type FeatureName, LEGACY_STATE } from '../catalogue/index.js';
import { describeHost } from '../model/capabilities.js';
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import type { Cpu, Host } from '../model/host.js';
import { findLeaf, type LeafTable, leafExists, readRegister } from '../model/leaves.js';
import {
  ALL_KNOWN,
  ALL_KNOWN_64,
  and,
  bitMask,
  field,
  hasBit,
  KNOWN_ZERO,
  type Known32,
  type Known64,
  NOTHING_KNOWN,
  or,
  without,
} from '../model/registers.js';
import type { Signature } from '../model/signature.js';
import {
  ABSENT,
  offeredMask,
  PRESENT,
  type Presence,
  presenceInMask,
  UNKNOWN,
} from '../model/xsave.js';
import type { CriuView, Stored } from './record.js';
import { CRIU_WORDS, criuPlace, LINUX_FLAGS, LINUX_WORD } from './words.js';

export const CRIU_VENDORS: ReadonlyMap<string, CriuCpuinfo['vendor']> = new Map([
  ['GenuineIntel', 'intel'],
  ['AuthenticAMD', 'amd'],
  ['HygonGenuine', 'amd'],
]);

/**
 * State components in CRIU's mask and the feature that each needs. SSE (1) and BNDREGS (3) are
 * missing: XFEATURE_MASK_SUPERVISOR holds the number of component 10, 0b1010, instead of its bit,
 * so that clearing supervisor state clears these two on every host.
 */
export const CRIU_COMPONENTS: ReadonlyMap<number, FeatureName> = new Map([
  [COMPONENT.x87, 'fpu'],
  [COMPONENT.ymm_hi128, 'avx'],
  [COMPONENT.bndcsr, 'mpx'],
  [COMPONENT.opmask, 'avx512f'],
  [COMPONENT.zmm_hi256, 'avx512f'],
  [COMPONENT.hi16_zmm, 'avx512f'],
  [COMPONENT.pkru, 'pku'],
]);

type Words = Known32[];

/** A feature's bit; unknown where the words end before it. */
export function presenceInWords(words: readonly Known32[], name: FeatureName): Presence {
  const { word, bit } = criuPlace(name);
  const at = words[word] ?? NOTHING_KNOWN;
  if (!hasBit(at.known, bit)) return UNKNOWN;
  return hasBit(at.value, bit) ? PRESENT : ABSENT;
}

function setBit(words: Words, word: number, bit: number, presence: Presence): void {
  const { value, known } = words[word] ?? NOTHING_KNOWN;
  const mask = bitMask(bit);
  words[word] = {
    value: presence === PRESENT ? or(value, mask) : without(value, mask),
    known: presence === UNKNOWN ? without(known, mask) : or(known, mask),
  };
}

function setFeature(words: Words, name: FeatureName, presence: Presence): void {
  const { word, bit } = criuPlace(name);
  setBit(words, word, bit, presence);
}

/** Family and model in compel's arithmetic, whose fields have eight bits. */
function compelSignature(eax: number): Signature {
  const base = field(eax, 11, 8);
  const family = and(base === 0xf ? base + field(eax, 27, 20) : base, 0xff);
  const low = field(eax, 7, 4);
  return {
    family,
    model: family >= 6 ? low + field(eax, 19, 16) * 16 : low,
    stepping: field(eax, 3, 0),
  };
}

/** Whether compel takes REP MOVS for fast: by family, and on K8 by stepping. */
function repGood(vendor: CriuCpuinfo['vendor'], eax: Known32): Presence {
  if (eax.known !== ALL_KNOWN) return UNKNOWN;
  const { family } = compelSignature(eax.value);
  const good =
    vendor === 'intel'
      ? family === 6
      : family >= 0x10 ||
        (family === 0xf && ((eax.value >= 0xf48 && eax.value < 0xf50) || eax.value >= 0xf58));
  return good ? PRESENT : ABSENT;
}

/** Whether the highest basic leaf is 0xD or more. */
function reachesXsaveLeaf(leaves: LeafTable): Presence {
  const exists = leafExists(leaves, 0xd);
  if (exists !== undefined) return exists ? PRESENT : ABSENT;
  return findLeaf(leaves, 0xd, 0) === undefined ? UNKNOWN : PRESENT;
}

/** The bits that mirror what an OS had set: another OS's, in dumps without one to trust. */
function mirrorLinux(words: Words): void {
  const xsave = presenceInWords(words, 'xsave');
  setFeature(words, 'osxsave', xsave);
  setFeature(words, 'ospke', Math.min(xsave, presenceInWords(words, 'pku')) as Presence);
}

function compelWords(cpu: Cpu, kind: Host['kind'], vendor: CriuCpuinfo['vendor']): Words {
  const words: Words = CRIU_WORDS.map((source) =>
    source === undefined
      ? KNOWN_ZERO
      : readRegister(cpu.leaves, source.leaf, source.subleaf, source.reg),
  );
  // Leaf 0xF.1 is asked only where leaf 0xF.0 says that it counts the last cache level's use.
  const { word } = criuPlace('cqm_occup_llc');
  const counted = presenceInWords(words, 'cqm_llc');
  if (counted !== PRESENT) words[word] = counted === ABSENT ? KNOWN_ZERO : NOTHING_KNOWN;

  const eax = readRegister(cpu.leaves, 1, 0, 'eax');
  setBit(words, LINUX_WORD, LINUX_FLAGS.cpuid, PRESENT);
  setBit(words, LINUX_WORD, LINUX_FLAGS.nopl, PRESENT);
  setBit(words, LINUX_WORD, LINUX_FLAGS.rep_good, repGood(vendor, eax));
  const xsave = Math.min(presenceInWords(words, 'xsave'), reachesXsaveLeaf(cpu.leaves));
  setFeature(words, 'xsave', xsave as Presence);
  if (vendor === 'amd') setFeature(words, 'pbe', ABSENT);
  else if (eax.known !== ALL_KNOWN) {
    if (presenceInWords(words, 'erms') !== ABSENT) setFeature(words, 'erms', UNKNOWN);
  } else if (compelSignature(eax.value).family === 15) setFeature(words, 'erms', ABSENT);
  if (kind !== 'system') mirrorLinux(words);
  return words;
}

type XsavePart = Pick<CriuView, 'xfeaturesMask' | 'xsaveSize' | 'xsaveSizeMax'>;

const NO_XSAVE: XsavePart = {
  xfeaturesMask: { value: 0n, known: ALL_KNOWN_64 },
  xsaveSize: 0,
  xsaveSizeMax: 0,
};
const XSAVE_NOT_KNOWN: XsavePart = {
  xfeaturesMask: undefined,
  xsaveSize: undefined,
  xsaveSizeMax: undefined,
};

function maskOfComponents(offered: Known64, words: readonly Known32[]): Known64 {
  let value = 0n;
  let known = ALL_KNOWN_64;
  for (const [bit, feature] of CRIU_COMPONENTS) {
    // x87 state is always offered (Intel SDM vol. 1, 13.3).
    const inMask = bit === COMPONENT.x87 ? PRESENT : presenceInMask(offered, bit);
    const presence = Math.min(inMask, presenceInWords(words, feature));
    if (presence === UNKNOWN) known &= ~(1n << BigInt(bit));
    if (presence === PRESENT) value |= 1n << BigInt(bit);
  }
  return { value, known };
}

/** The mask is that of leaf 0xD, not XCR0; the sizes are those for XCR0 and for the mask. */
function compelXsave(cpu: Cpu, host: Host, words: readonly Known32[]): XsavePart {
  const has = Math.min(presenceInWords(words, 'fpu'), presenceInWords(words, 'xsave'));
  if (has === ABSENT) return NO_XSAVE;
  if (has === UNKNOWN) return XSAVE_NOT_KNOWN;
  const offered = offeredMask(cpu.leaves);
  // Without x87 and SSE in the mask compel stops here, the raw mask already in place.
  const isKnown = (offered.known & LEGACY_STATE) === LEGACY_STATE;
  if (isKnown && (offered.value & LEGACY_STATE) !== LEGACY_STATE)
    return { ...NO_XSAVE, xfeaturesMask: offered };
  const size = (register: 'ebx' | 'ecx') => {
    const answer = readRegister(cpu.leaves, 0xd, 0, register);
    return answer.known === ALL_KNOWN ? answer.value : undefined;
  };
  const area = describeHost({ ...host, cpus: [cpu] }).xsave.areaBytes;
  const read = host.kind === 'system' ? (size('ebx') ?? area) : area;
  return {
    xfeaturesMask: maskOfComponents(offered, words),
    xsaveSize: read,
    xsaveSizeMax: size('ecx'),
  };
}

/** The processor's name as CRIU stores it: blanks before it go, those behind it stay. */
function readModelId(leaves: LeafTable): Stored<string> {
  let text = '';
  for (const leaf of [0x80000002, 0x80000003, 0x80000004])
    for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const) {
      const answer = readRegister(leaves, leaf, 0, register);
      if (answer.known !== ALL_KNOWN) return undefined;
      for (let shift = 0; shift < 32; shift += 8)
        text += String.fromCharCode(field(answer.value, shift + 7, shift));
    }
  const end = text.indexOf('\0');
  const name = (end < 0 ? text : text.slice(0, end)).replace(/^ +/, '');
  return name === '' ? 'not-stored' : name;
}

const NO_SIGNATURE: Signature = { family: 0, model: 0, stepping: 0 };

/** What CRIU finds on one CPU of a host. */
export function viewOfCpu(cpu: Cpu, host: Host): CriuView {
  const one: Host = { ...host, cpus: [cpu] };
  const name = describeHost(one).vendor;
  const base = { capabilityVersion: 2 } as const;
  if (name === undefined)
    return {
      ...base,
      ...XSAVE_NOT_KNOWN,
      vendor: undefined,
      signature: undefined,
      words: CRIU_WORDS.map(() => NOTHING_KNOWN),
      modelId: undefined,
    };
  const vendor = CRIU_VENDORS.get(name);
  if (vendor === undefined)
    return {
      ...base,
      ...NO_XSAVE,
      unsupportedVendor: name,
      vendor: 'intel',
      signature: NO_SIGNATURE,
      words: CRIU_WORDS.map(() => KNOWN_ZERO),
      modelId: 'not-stored',
    };
  const words = compelWords(cpu, host.kind, vendor);
  const eax = readRegister(cpu.leaves, 1, 0, 'eax');
  return {
    ...base,
    ...compelXsave(cpu, host, words),
    vendor,
    signature: eax.known === ALL_KNOWN ? compelSignature(eax.value) : undefined,
    words,
    modelId: readModelId(cpu.leaves),
  };
}
