/**
 * The short way through a stream of cpugate's own profiles, or a folder of them. A fleet's hosts answer CPUID alike but for
 * their names, so the long parts of a line (or file) are looked up by their bytes, and only the rest is parsed.
 * What isn't found here is read the long way, which alone reports errors.
 *
 * A part is cut out from the first `"name":` to the first end behind it. That is right wherever the
 * rest, with null in the part's place, is a JSON object that has null there, and the part alone is a
 * JSON array: together they are the line, and the array is the object's.
 */
import type { BesideKind } from '../baseline/cluster.js';
import type { HostKind } from '../baseline/host-kind.js';
import type { KernelBits } from '../baseline/kernel-bits.js';
import { ROWS } from '../catalogue/index.js';
import { decodeUtf8 } from '../formats/format.js';
import validate from '../generated/host-profile.js';
import type { Host } from '../model/host.js';
import { flagsThatDecide } from '../model/kernel-gives.js';
import { TILE_LEAVES } from '../model/tile-geometry.js';
import { UNNAMED_LEAVES } from '../model/unnamed-bits.js';
import { KnownParts, type Span } from './known-parts.js';

/** What a cluster takes of a host. */
export interface FoldedHost {
  readonly kind: HostKind;
  readonly key: string;
  readonly name: string;
  readonly beside: BesideKind;
  /** What a HostSorter made of it; undefined: nobody sorts. */
  readonly sorted?: number | undefined;
}

/** The entries of a profile that this file looks at. */
interface ProfileHead {
  readonly name: string;
  readonly hostKind: Host['kind'];
  readonly system?: {
    readonly kernel?: string;
    readonly hwcap2?: string;
    readonly minSigStackBytes?: number;
    readonly glibc?: { readonly version: string };
    cpuinfoFlags?: readonly string[] | null;
  };
  cpus: unknown;
}

/**
 * The kind of a host with these cpus and these facts: nothing else reaches describeHost and kindOf, and
 * nothing but the C library's version what sorts hosts.
 */
interface FoldedKind {
  readonly hostKind: Host['kind'];
  readonly hwcap2: string | undefined;
  /** uname -r, where there is no hwcap2: with one, no release decides anything. */
  readonly release: string | undefined;
  readonly minSigStackBytes: number | undefined;
  /** What the flags of /proc/cpuinfo decide. */
  readonly decided: string;
  readonly kind: HostKind;
  readonly key: string;
  readonly kernel: KernelBits | undefined;
  readonly glibc: string | undefined;
  readonly sorted: number | undefined;
}

/** In one line, or as "cpugate probe" writes it. */
const CPUS = { name: Buffer.from('"cpus":'), ends: [Buffer.from('}]'), Buffer.from('}\n ]')] };
const FLAGS = { name: Buffer.from('"cpuinfoFlags":'), ends: [Buffer.from(']')] };
/** Any valid one: the schema's rules for the parts were checked when they were first met. */
const SOME_CPUS = [{ logical: '0', leaves: [] }];
/** Hosts of one CPU differ in few kernels. */
const MOST_KINDS_OF_ONE = 20;

function findSpan(line: Buffer, { name, ends }: typeof CPUS): Span | undefined {
  const at = line.indexOf(name);
  if (at < 0) return undefined;
  const start = at + name.length;
  for (const end of ends) {
    const last = line.indexOf(end, start);
    if (last >= 0) return { start, end: last + end.length };
  }
  return undefined;
}

/**
 * Leaves that kindOf and HostSorter look at, beside those of features: maxima, XSAVE, widths, tiles, and
 * where a bit without a name counts.
 */
const TELLING_LEAVES = new Set<number>([
  0,
  1,
  7,
  0xd,
  0x80000000,
  0x80000008,
  0xc0000000,
  ...ROWS.map((row) => row.leaf),
  ...TILE_LEAVES,
  ...UNNAMED_LEAVES,
]);
const WILD =
  /"0x([0-9a-f]{8}) 0x[0-9a-f]{2,4}: 0x[0-9a-f]{8} 0x[0-9a-f]{8} 0x[0-9a-f]{8} 0x[0-9a-f]{8}|"xinuse":\s?"0x([0-9a-f]{1,16})"/g;
const REGISTER_DIGITS = 8;
/** "0x", eight digits and a blank. */
const REGISTER_STEP = 11;

/** Values of leaves, and what was in use, that say nothing of the host's kind. */
function findWild(bytes: Buffer): Span[] {
  const wild: Span[] = [];
  for (const found of bytes.toString('latin1').matchAll(WILD)) {
    const [text, leaf, inUse] = found;
    const end = found.index + text.length;
    if (inUse !== undefined) wild.push({ start: end - 1 - inUse.length, end: end - 1 });
    else if (!TELLING_LEAVES.has(Number.parseInt(leaf as string, 16)))
      for (let register = 3; register >= 0; register--) {
        const last = end - register * REGISTER_STEP;
        wild.push({ start: last - REGISTER_DIGITS, end: last });
      }
  }
  return wild;
}

/** The line's object with null in the place of these parts, which come in order. */
function parseWithout(line: Buffer, spans: readonly Span[]): ProfileHead | undefined {
  let text = '';
  let at = 0;
  for (const { start, end } of spans) {
    text += `${line.toString('latin1', at, start)}null`;
    at = end;
  }
  text += line.toString('latin1', at);
  if (/[^\0-\x7f]/.test(text)) {
    const decoded = decodeUtf8(Buffer.from(text, 'latin1'));
    if (decoded === undefined) return undefined;
    text = decoded;
  }
  const value = parseJson(text);
  return typeof value === 'object' && value !== null ? (value as ProfileHead) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseArray(line: Buffer, { start, end }: Span): readonly string[] | undefined {
  const value = parseJson(line.toString('latin1', start, end));
  return Array.isArray(value) ? value : undefined;
}

function decidingRelease({ system }: ProfileHead): string | undefined {
  return system?.hwcap2 === undefined ? system?.kernel : undefined;
}

export class ProfileLines {
  readonly #cpus = new KnownParts<FoldedKind[]>(findWild);
  /** What lists of flags decide. */
  readonly #flags = new KnownParts<string>();

  /** Undefined: not one that has been met; read it the long way and tell by remember(). */
  find(line: Buffer): FoldedHost | undefined {
    const cpus = findSpan(line, CPUS);
    const kinds = cpus && this.#cpus.get(line, cpus);
    if (cpus === undefined || kinds === undefined) return undefined;
    const flags = findSpan(line.subarray(0, cpus.start), FLAGS);
    const known = flags && this.#flags.get(line, flags);
    const isKnown = flags !== undefined && known !== undefined;
    const head = parseWithout(line, isKnown ? [flags, cpus] : [cpus]);
    if (head?.cpus !== null) return undefined;
    head.cpus = SOME_CPUS;
    if (isKnown) {
      if (head.system?.cpuinfoFlags !== null) return undefined;
      head.system.cpuinfoFlags = [];
    }
    if (!validate(head)) return undefined;
    const { name, hostKind, system } = head;
    const { hwcap2, minSigStackBytes, glibc } = system ?? {};
    const release = decidingRelease(head);
    const decided = known ?? flagsThatDecide(system ?? {});
    for (const met of kinds)
      if (
        met.hostKind === hostKind &&
        met.hwcap2 === hwcap2 &&
        met.release === release &&
        (met.sorted === undefined || met.glibc === glibc?.version) &&
        met.minSigStackBytes === minSigStackBytes &&
        met.decided === decided
      )
        return {
          kind: met.kind,
          key: met.key,
          name,
          beside: {
            glibcVersion: glibc?.version,
            ...(met.kernel === undefined ? {} : { kernel: met.kernel }),
          },
          ...(met.sorted === undefined ? {} : { sorted: met.sorted }),
        };
    return undefined;
  }

  /** What the long way made of a line that was one of cpugate's own profile. */
  remember(line: Buffer, { kind, key, beside, sorted }: Omit<FoldedHost, 'name'>): void {
    const cpus = findSpan(line, CPUS);
    if (cpus === undefined || parseArray(line, cpus) === undefined) return;
    const head = parseWithout(line, [cpus]);
    if (head?.cpus !== null) return;
    const { hwcap2, minSigStackBytes } = head.system ?? {};
    const decided = flagsThatDecide(head.system ?? {});
    const { hostKind } = head;
    const { kernel, glibcVersion: glibc } = beside;
    const release = decidingRelease(head);
    const facts = { hostKind, hwcap2, release, minSigStackBytes, decided, glibc };
    const met: FoldedKind = { kind, key, kernel, sorted, ...facts };
    const kinds = this.#cpus.get(line, cpus);
    if (kinds === undefined) this.#cpus.set(line, cpus, [met]);
    else kinds.splice(0, kinds.length, met, ...kinds.slice(0, MOST_KINDS_OF_ONE - 1));
    this.#rememberFlags(line, cpus);
  }

  #rememberFlags(line: Buffer, cpus: Span): void {
    const flags = findSpan(line.subarray(0, cpus.start), FLAGS);
    const cpuinfoFlags = flags && parseArray(line, flags);
    if (flags === undefined || cpuinfoFlags === undefined) return;
    if (parseWithout(line, [flags])?.system?.cpuinfoFlags !== null) return;
    if (this.#flags.get(line, flags) === undefined)
      this.#flags.set(line, flags, flagsThatDecide({ cpuinfoFlags }));
  }
}
