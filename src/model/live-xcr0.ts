/**
 * XCR0 of a running OS, from what CPUID mirrors of it. A tool that dumps a live host can't always
 * execute XGETBV, yet three answers depend on what the OS enabled: OSXSAVE (CR4.OSXSAVE), OSPKE
 * (CR4.PKE) and 0xD.0 EBX, the size of the area that holds the components in XCR0 (Intel SDM vol. 1,
 * 13.2 and 13.5; vol. 2A, CPUID).
 *
 * A size doesn't name its components: with PKRU enabled it ends at PKRU's end, AVX-512 or not. Of
 * the sets that end there, those count that the compacted size (0xD.1 EBX) allows too, and of these
 * the largest: Linux enables all that it knows unless it is told otherwise at boot.
 */
import {
  COMPONENT,
  COMPONENTS,
  componentMask,
  componentRow,
  type FeatureName,
  featureRow,
  isLegacyState,
  LEGACY_STATE,
  LINUX_STATE,
  LINUX_SUPERVISOR_STATE,
} from '../catalogue/index.js';
import type { Cpu } from './host.js';
import { knownOf, type LeafRow, type LeafTable, leafTable, readRegister } from './leaves.js';
import { compactedBytes } from './packed-area.js';
import {
  ALL_KNOWN,
  ALL_KNOWN_64,
  and,
  bitMask,
  bitsOf,
  hasBit64,
  hex,
  join64,
  type Register,
  without,
} from './registers.js';
import { LEGACY_AREA_BYTES, offeredMask, standardAreaBytes, stateComponent } from './xsave.js';

/** Components that are enabled together or not at all (Intel SDM vol. 1, 13.3). */
const TOGETHER: readonly bigint[] = [
  [COMPONENT.ymm_hi128],
  [COMPONENT.bndregs, COMPONENT.bndcsr],
  [COMPONENT.opmask, COMPONENT.zmm_hi256, COMPONENT.hi16_zmm],
  [COMPONENT.pkru],
  [COMPONENT.xtile_cfg, COMPONENT.xtile_data],
  [COMPONENT.apx],
].map(componentMask);
/** Components without a group that are tried in every combination; a forged dump may offer all. */
const MAX_OTHERS = 4;

/** True, false, or undefined where the dump lacks the leaf. */
function bit(leaves: LeafTable, name: FeatureName): boolean | undefined {
  const row = featureRow(name);
  const answer = readRegister(leaves, row.leaf, row.subleaf, row.reg);
  const mask = bitMask(row.bit as number);
  return and(answer.known, mask) === 0 ? undefined : and(answer.value, mask) !== 0;
}

function number(leaves: LeafTable, subleaf: number, register: 'ebx' | 'ecx' | 'edx') {
  const answer = readRegister(leaves, 0xd, subleaf, register);
  return answer.known === ALL_KNOWN ? answer.value : undefined;
}

/** Of the components that the CPU offers, those whose feature it has. */
function withFeature(leaves: LeafTable, offered: bigint): bigint {
  const rows = COMPONENTS.filter(
    (row) => isLegacyState(row.bit) || row.enabledBy.some((name) => bit(leaves, name) === true),
  );
  return offered & componentMask(rows.map((row) => row.bit));
}

/** Every set of user components that an OS can have enabled. */
function possibleSets(offered: bigint): bigint[] {
  const others = bitsOf(offered & ~TOGETHER.reduce((mask, group) => mask | group, LEGACY_STATE));
  const groups = [...TOGETHER, ...others.slice(0, MAX_OTHERS).map((one) => componentMask([one]))];
  let sets = [LEGACY_STATE];
  for (const group of groups)
    if ((offered & group) === group) sets = [...sets, ...sets.map((set) => set | group)];
  return sets;
}

/** Whether the user components, with some of the supervisor ones, are as long as 0xD.1 EBX says. */
function fitsCompacted(leaves: LeafTable, set: bigint, bytes: number): boolean {
  const [low, high] = [number(leaves, 1, 'ecx') ?? 0, number(leaves, 1, 'edx') ?? 0];
  // Those that Linux puts into IA32_XSS are tried in every combination.
  const supervisor = bitsOf(join64(high, low) & LINUX_SUPERVISOR_STATE);
  for (let choice = 0; choice < 2 ** supervisor.length; choice++) {
    const chosen = supervisor.filter((_, place) => ((choice >> place) & 1) === 1);
    const all = [...bitsOf(set), ...chosen].sort((a, b) => a - b);
    if (compactedBytes(all.map((one) => stateComponent(leaves, one))) === bytes) return true;
  }
  return false;
}

function areaBytes(leaves: LeafTable, set: bigint): number | undefined {
  return standardAreaBytes(bitsOf(set).map((one) => stateComponent(leaves, one)));
}

function count(set: bigint): number {
  return bitsOf(set).length;
}

interface Chosen {
  readonly set: bigint;
  /** Others account for the sizes as well. */
  readonly isAssumed: boolean;
}

/** The set that accounts for the sizes, or undefined. */
function chooseSet(leaves: LeafTable, offered: bigint, bytes: number): Chosen | undefined {
  const ospke = bit(leaves, 'ospke');
  const matching = possibleSets(offered).filter(
    (set) =>
      areaBytes(leaves, set) === bytes &&
      (ospke === undefined || hasBit64(set, COMPONENT.pkru) === ospke),
  );
  const compacted = number(leaves, 1, 'ebx');
  const fitting =
    matching.length > 1 && compacted !== undefined && compacted !== 0
      ? matching.filter((set) => fitsCompacted(leaves, set, compacted))
      : [];
  const [set, another] = (fitting.length > 0 ? fitting : matching).sort(
    (a, b) => count(b) - count(a),
  );
  return set === undefined ? undefined : { set, isAssumed: another !== undefined };
}

/**
 * The set where the dump leaves out the place of a component that the CPU offers: it could end anywhere.
 * The others still end within EBX's bytes where they are enabled, and OSPKE tells of protection keys.
 */
function choosePlaceless(
  leaves: LeafTable,
  offered: bigint,
  bytes: number,
): Chosen | 'contradiction' | undefined {
  const isRuledOut = (one: number): boolean => {
    // Wherever it lies, it begins behind the legacy area (Intel SDM vol. 1, 13.4).
    const least = LEGACY_AREA_BYTES + (componentRow(one)?.size ?? 1);
    const end = areaBytes(leaves, componentMask([one])) ?? least;
    if (!isLegacyState(one) && end > bytes) return true;
    return one === COMPONENT.pkru && bit(leaves, 'ospke') === false;
  };
  const likely = withFeature(leaves, offered) & LINUX_STATE;
  const out = bitsOf(likely).filter(isRuledOut);
  const off = TOGETHER.filter((group) => (group & componentMask(out)) !== 0n);
  const set = off.reduce((mask, group) => mask & ~group, likely & ~componentMask(out));
  if (areaBytes(leaves, set) !== undefined) {
    const chosen = chooseSet(leaves, set, bytes);
    if (chosen !== undefined) return chosen;
    return out.length > 0 ? 'contradiction' : undefined;
  }
  return out.length > 0 ? { set, isAssumed: true } : undefined;
}

/** "contradiction": no OS can have enabled what the answers say. Undefined: they don't tell. */
function enabledSet(leaves: LeafTable): Chosen | 'contradiction' | undefined {
  if (bit(leaves, 'xsave') !== true) return undefined;
  const osxsave = bit(leaves, 'osxsave');
  const bytes = number(leaves, 0, 'ebx');
  if (osxsave === false)
    return bytes === undefined || bytes <= LEGACY_AREA_BYTES
      ? { set: 0n, isAssumed: false }
      : 'contradiction';
  const offered = offeredMask(leaves);
  if (osxsave === undefined || bytes === undefined || offered.known !== ALL_KNOWN_64)
    return undefined;
  if (areaBytes(leaves, offered.value) === undefined)
    return choosePlaceless(leaves, offered.value, bytes);
  return (
    chooseSet(leaves, withFeature(leaves, offered.value), bytes) ??
    chooseSet(leaves, offered.value, bytes) ??
    'contradiction'
  );
}

/** The bits that mirror the OS. */
const MIRRORS: readonly { leaf: number; register: Register; bits: number }[] = [
  ...(['osxsave', 'ospke'] as const).map((name) => {
    const { leaf, reg, bit: place } = featureRow(name);
    return { leaf, register: reg, bits: bitMask(place as number) };
  }),
  { leaf: 0xd, register: 'ebx', bits: ALL_KNOWN },
];

/** Of two answers that contradict each other none counts. */
function withoutMirrors(row: LeafRow): LeafRow {
  let kept = row;
  for (const { leaf, register, bits } of MIRRORS) {
    if (row.leaf !== leaf || row.subleaf !== 0) continue;
    const known = { ...knownOf(kept), [register]: without(knownOf(kept)[register], bits) };
    kept = { ...kept, [register]: and(kept[register], known[register]), known };
  }
  return kept;
}

export interface LiveCpu {
  readonly cpu: Cpu;
  /** For people: what contradicts what, or is assumed. */
  readonly remark?: string;
}

/**
 * The CPU with the XCR0 that its OS had set, where its answers tell. Where they contradict each
 * other, nothing is known of XCR0 and of what mirrors it.
 */
export function withLiveXcr0(cpu: Cpu): LiveCpu {
  const chosen = enabledSet(cpu.leaves);
  if (chosen === undefined) return { cpu };
  const bytes = number(cpu.leaves, 0, 'ebx');
  if (chosen !== 'contradiction')
    return {
      cpu: { ...cpu, xcr0: { value: chosen.set, known: ALL_KNOWN_64 } },
      ...(chosen.isAssumed
        ? {
            remark:
              `More than one XCR0 gives the ${bytes} bytes of leaf 0xD.0 EBX; the largest ` +
              `(${hex(chosen.set)}) is assumed, as Linux enables all that it knows.`,
          }
        : {}),
    };
  return {
    cpu: {
      ...cpu,
      leaves: leafTable(cpu.leaves.rows.map(withoutMirrors)),
      xcr0: { value: 0n, known: 0n },
    },
    remark:
      `leaf 0xD.0 EBX says that the enabled state has ${bytes} bytes, which no XCR0 gives with ` +
      `OSXSAVE ${bit(cpu.leaves, 'osxsave') ? 1 : 0} and OSPKE ${bit(cpu.leaves, 'ospke') ? 1 : 0}; ` +
      'what the OS enabled counts as unknown',
  };
}

/** Whether these leaves alone tell the XCR0 that the CPU counts with. */
export function mirrorsXcr0(cpu: Cpu): boolean {
  const found = withLiveXcr0({ logical: cpu.logical, leaves: cpu.leaves }).cpu.xcr0;
  return cpu.xcr0?.value === found?.value && cpu.xcr0?.known === found?.known;
}

/** What a writer of bare leaves says where they don't. */
export const XCR0_LOST =
  'What the OS enabled (XCR0): readers take what leaves 0x1 and 0xD mirror of the OS under the tool.';
