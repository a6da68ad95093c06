/** Look-ups over the tables, all derived. */
import { COMPONENTS, type ComponentName, type ComponentRow } from './components.js';
import { FEATURES, type FeatureName, type FeatureRow, type Register } from './features.js';
import { KNOWN_AS } from './known-as.js';

export type { ComponentName, ComponentRow } from './components.js';
export {
  CATALOGUED_STATE,
  COMPONENT,
  COMPONENTS,
  componentMask,
  isLegacyState,
  LEGACY_STATE,
  LINUX_STATE,
  LINUX_SUPERVISOR_STATE,
  neededState,
} from './components.js';
export type {
  EdgeKind,
  Encoding,
  FeatureClass,
  FeatureName,
  FeatureRow,
  Loss,
  Register,
} from './features.js';
export { FEATURES } from './features.js';
export { featuresOfLevel, LEVELS, type Level, type LevelName } from './levels.js';
export { EVERY_64_BIT_CPU } from './long-mode.js';

/** The table with its rows widened, for code that treats all alike. */
export const ROWS: readonly (FeatureRow & { readonly name: FeatureName })[] = FEATURES;

const indexByName = new Map<string, number>();
for (const [index, row] of ROWS.entries()) indexByName.set(row.name, index);

export function featureRow(name: FeatureName): FeatureRow & { readonly name: FeatureName } {
  return ROWS[featureIndex(name)] as (typeof ROWS)[number];
}

/** Place of a feature in ROWS, for tables indexed by feature. */
export function featureIndex(name: FeatureName): number {
  const index = indexByName.get(name);
  if (index === undefined) throw new Error(`no row for ${name}`);
  return index;
}

export function isFeatureName(text: string): text is FeatureName {
  return indexByName.has(text);
}

/**
 * Spellings in common use that none of the listed projects' names covers: klauspost/cpuid (and so
 * Node Feature Discovery), archspec, /proc/cpuinfo of other systems.
 */
const OTHER_SPELLINGS: Readonly<Record<string, FeatureName>> = {
  fma3: 'fma',
  clmul: 'pclmulqdq',
  sse4: 'sse4_1',
  aesni: 'aes',
  htt: 'ht',
  xd: 'nx',
  rdrnd: 'rdrand',
  sha: 'sha_ni',
  shstk: 'shstk',
  amxtile: 'amx_tile',
  apxf: 'apx',
  dts64: 'dtes64',
};

let spellings: Map<string, FeatureName> | undefined;

function plain(spelling: string): string {
  return spelling.toLowerCase().replace(/^-m/, '').replace(/[-_.]/g, '');
}

/**
 * A project's own name comes after every canonical name: QEMU's "ibrs" can't take over a flag that
 * Linux calls so. Where two projects mean different bits by one word, the first in the order
 * below wins: QEMU and libvirt (what people type), glibc, Xen, LLVM, gcc.
 */
function buildSpellings(): Map<string, FeatureName> {
  const map = new Map<string, FeatureName>();
  const add = (spelling: string | undefined, name: FeatureName) => {
    if (spelling && !map.has(plain(spelling))) map.set(plain(spelling), name);
  };
  for (const row of ROWS) add(row.name, row.name);
  for (const row of ROWS)
    for (const spelling of KNOWN_AS[row.name]?.split('/') ?? []) add(spelling, row.name);
  for (const [spelling, name] of Object.entries(OTHER_SPELLINGS)) add(spelling, name);
  for (const project of ['qemu', 'libvirt', 'glibc', 'xen', 'llvm', 'gcc'] as const)
    for (const row of ROWS) add(row.names?.[project], row.name);
  return map;
}

/** The feature that a name in any known project's spelling means; case, "-", "_", "." don't count. */
export function findFeature(spelling: string): FeatureName | undefined {
  if (isFeatureName(spelling)) return spelling;
  spellings ??= buildSpellings();
  return spellings.get(plain(spelling));
}

/** Every accepted spelling in its plain form (lower case, without "-", "_", "."). */
export function acceptedSpellings(): ReadonlyMap<string, FeatureName> {
  spellings ??= buildSpellings();
  return spellings;
}

const componentByBit = new Map<number, ComponentRow & { readonly name: ComponentName }>(
  COMPONENTS.map((row) => [row.bit, row]),
);

/** The state component with this bit of XCR0 or XSS; undefined where nobody named it yet. */
export function componentRow(
  bit: number,
): (ComponentRow & { readonly name: ComponentName }) | undefined {
  return componentByBit.get(bit);
}

/** "ymm_hi128", or "component 20" for one that nobody named. */
export function componentName(bit: number): string {
  return componentByBit.get(bit)?.name ?? `component ${bit}`;
}

export function findComponent(name: string): ComponentRow | undefined {
  const wanted = plain(name);
  return COMPONENTS.find((row) => plain(row.name) === wanted);
}

/** "leaf 0x7.0 EBX[16]", for messages. */
export function featurePosition(row: FeatureRow): string {
  const bit = typeof row.bit === 'number' ? `${row.bit}` : `${row.bit[0]}:${row.bit[1]}`;
  return `leaf 0x${row.leaf.toString(16)}.${row.subleaf} ${row.reg.toUpperCase()}[${bit}]`;
}

export const REGISTERS: readonly Register[] = ['eax', 'ebx', 'ecx', 'edx'];
