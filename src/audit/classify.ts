/** From a file's bytes to what its code needs, what it chooses and what isn't clear. */
import { FlowControl } from 'iced-x86';
import { type FeatureName, ROWS } from '../catalogue/index.js';
import type { CodeAudit, CodeClass, CodeFeature } from '../model/code-audit.js';
import { isNamedForCpu } from './answer-names.js';
import { type Dispatch, findDispatch, importStubs } from './answers.js';
import { readCertain } from './behaviour.js';
import { mayUseFeatures } from './candidates.js';
import { CodeReader, type FeatureUse, featuresOfCode } from './decoder.js';
import { type CodeFunction, type ElfFile, readElf } from './elf.js';
import { Functions, gapsOf, withReferred } from './functions.js';
import { Pairs } from './pairs.js';
import { findEntrances, findReferences, type References, takesAddress } from './references.js';

/**
 * A transaction is always one of two ways: it may abort at any time, and XBEGIN says where to then. Whether
 * it is begun is often written down where no reading of code finds it: glibc keeps it in each mutex, and sets it
 * only where the CPU has RTM (sysdeps/unix/sysv/linux/x86/elision-conf.c).
 */
const ALWAYS_CHOSEN: ReadonlySet<FeatureName> = new Set(['rtm']);

/** How a function is reached, from bad to good evidence; a better way to reach it outranks. */
const [UNREACHED, CHOSEN, UNCLEAR, OPEN] = [0, 1, 2, 3] as const;
type Reach = typeof UNREACHED | typeof CHOSEN | typeof UNCLEAR | typeof OPEN;

interface User {
  readonly fn: CodeFunction;
  readonly uses: readonly FeatureUse[];
  /** Behind something that is no instruction: perhaps data. */
  readonly doubtful: readonly FeatureUse[];
}

/** One use for each set of features. */
function usesOf(reader: CodeReader, fn: CodeFunction): User | undefined {
  const first = new Map<readonly FeatureName[], FeatureUse>();
  let straight = fn.start;
  const { end, stop } = reader.read(fn, (instruction, at) => {
    const features = featuresOfCode(instruction);
    const { length } = instruction;
    if (features.length > 0 && !first.has(features)) first.set(features, { features, at, length });
    const flow = instruction.flowControl;
    if (
      flow === FlowControl.Return ||
      flow === FlowControl.UnconditionalBranch ||
      flow === FlowControl.IndirectBranch
    )
      straight = at + length;
  });
  const uses = [...first.values()];
  if (stop === 'apx') uses.push({ features: ['apx'], at: end, length: 1 });
  if (uses.length === 0) return undefined;
  const isDoubtful = ({ at }: FeatureUse) => stop === 'invalid' && at >= straight;
  return {
    fn,
    uses: uses.filter((use) => !isDoubtful(use)),
    doubtful: uses.filter(isDoubtful),
  };
}

/** References by the function that they lead to: linked lists over pairs. */
class Incoming {
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #pairs: Pairs;

  constructor(pairs: Pairs, functions: Functions) {
    this.#pairs = pairs;
    this.#heads = new Int32Array(functions.list.length).fill(-1);
    this.#next = new Int32Array(pairs.length);
    for (let index = 0; index < pairs.length; index++) {
      const to = functions.startingAt(pairs.target(index));
      if (to < 0) continue;
      this.#next[index] = this.#heads[to] as number;
      this.#heads[to] = index;
    }
  }

  *placesOf(to: number): Generator<number> {
    for (let index = this.#heads[to] as number; index >= 0; index = this.#next[index] as number)
      yield this.#pairs.place(index);
  }
}

/** Tables of pointers to code, and who refers to them: to the last label at or before the pointer. */
class Tables {
  readonly #toData: Pairs;
  /** Places in #toData, by target; made when the first table is looked for. */
  #byTarget: Uint32Array | undefined;
  readonly #pointers = new Map<number, number[]>();

  constructor(file: ElfFile, { toData }: References) {
    this.#toData = toData;
    for (const { at, to } of file.pointers) {
      const list = this.#pointers.get(to);
      if (list === undefined) this.#pointers.set(to, [at]);
      else list.push(at);
    }
  }

  isPointedTo(address: number): boolean {
    return this.#pointers.has(address);
  }

  /** Places in the code that refer to a table with the address in it, and the table's. */
  *refersTo(address: number): Generator<{ readonly place: number; readonly label: number }> {
    const data = this.#toData;
    this.#byTarget ??= Uint32Array.from({ length: data.length }, (_, index) => index).sort(
      (a, b) => data.target(a) - data.target(b),
    );
    const sorted = this.#byTarget;
    for (const pointer of this.#pointers.get(address) ?? []) {
      let [low, high] = [0, sorted.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (data.target(sorted[middle] as number) <= pointer) low = middle + 1;
        else high = middle;
      }
      const label = low === 0 ? undefined : data.target(sorted[low - 1] as number);
      for (; label !== undefined && low > 0; low--) {
        const index = sorted[low - 1] as number;
        if (data.target(index) !== label) break;
        yield { place: data.place(index), label };
      }
    }
  }
}

interface Way {
  readonly from: number;
  readonly to: number;
  /** By a call or jump; otherwise the address is taken. */
  readonly isCall: boolean;
  readonly isGuarded: boolean;
}

/** Names of functions that a language's runtime starts, by a table that no code shows. */
const STARTED: ReadonlySet<string> = new Set(['main', '_start', 'runtime.main', 'main.main']);

function rootsOf(file: ElfFile, functions: Functions): Set<number> {
  const addresses = [file.entry, ...file.starters, ...file.exported.keys()];
  const roots = new Set(addresses.map((address) => functions.indexOf(address)));
  for (const [index, { name }] of functions.list.entries())
    if (name !== undefined && STARTED.has(name)) roots.add(index);
  roots.delete(-1);
  return roots;
}

class Reaching {
  readonly #functions: Functions;
  readonly #behaviours: Dispatch['behaviours'];
  readonly #dispatch: Dispatch;
  readonly #incoming: Incoming[];
  readonly #tables: Tables;
  readonly #roots: ReadonlySet<number>;
  readonly #file: ElfFile;
  readonly #reader: CodeReader;

  constructor(
    file: ElfFile,
    reader: CodeReader,
    functions: Functions,
    references: References,
    dispatch: Dispatch,
  ) {
    this.#file = file;
    this.#reader = reader;
    this.#functions = functions;
    this.#behaviours = dispatch.behaviours;
    this.#dispatch = dispatch;
    this.#incoming = [references.toFunctions, references.toUnknown].map(
      (pairs) => new Incoming(pairs, functions),
    );
    this.#tables = new Tables(file, references);
    this.#roots = rootsOf(file, functions);
  }

  #isNamed(index: number): boolean {
    const name = this.#functions.list[index]?.name;
    return name !== undefined && isNamedForCpu(name);
  }

  /** From whom one function is called, jumped to or taken the address of. */
  #waysTo(to: number): Way[] {
    const { start, end, isFallenInto } = this.#functions.list[to] as CodeFunction;
    /** By origin: whether one of the references there is a call or jump. */
    const origins = new Map<number, boolean>();
    for (const incoming of this.#incoming)
      for (const place of incoming.placesOf(to)) {
        const from = this.#functions.indexOf(place);
        const isCall = !takesAddress(this.#file.bytes, this.#reader.offsetOf(place));
        origins.set(from, isCall || origins.get(from) === true);
      }
    if (isFallenInto) origins.set(to - 1, true);
    origins.delete(to);
    origins.delete(-1);
    return [...origins].map(([from, isCall]) => {
      const edges =
        this.#behaviours
          .get(from)
          ?.edges.filter(({ to: at, kind }) => at >= start && at < end && kind !== 'data') ?? [];
      const isGuarded = edges.length > 0 && edges.every((edge) => edge.isGuarded);
      return { from, to, isCall, isGuarded };
    });
  }

  /** What tables that hold its address say. */
  #byTables(to: number): Reach {
    const { start } = this.#functions.list[to] as CodeFunction;
    if (!this.#tables.isPointedTo(start)) return UNREACHED;
    if (this.#isNamed(to)) return CHOSEN;
    let known = false;
    for (const { place, label } of this.#tables.refersTo(start)) {
      const behaviour = this.#behaviours.get(this.#functions.indexOf(place));
      const edges = behaviour?.edges.filter((edge) => edge.kind === 'data' && edge.to === label);
      if (edges === undefined || edges.length === 0 || !edges.every((edge) => edge.isGuarded))
        return UNCLEAR;
      known = true;
    }
    return known ? CHOSEN : UNCLEAR;
  }

  /** From outside the code. */
  #isEntered(index: number): boolean {
    const { start } = this.#functions.list[index] as CodeFunction;
    return (
      this.#roots.has(index) || this.#file.resolvers.has(start) || this.#tables.isPointedTo(start)
    );
  }

  #addEntrances(unreached: readonly number[]): void {
    const into = unreached
      .map((index) => this.#functions.list[index] as CodeFunction)
      .sort((a, b) => a.start - b.start);
    const found = findEntrances(this.#file, new Functions(into));
    const proven = new Pairs();
    for (let index = 0; index < found.length; index++)
      if (this.#isJump(found.place(index))) proven.push(found.place(index), found.target(index));
    this.#incoming.push(new Incoming(proven, this.#functions));
  }

  /** Whether a jump's distance stands there, and not bytes of another instruction that look so. */
  #isJump(place: number): boolean {
    const fn = this.#functions.list[this.#functions.indexOf(place)];
    if (fn === undefined) return false;
    let isFound = false;
    this.#reader.read(fn, (instruction, at) => {
      const flow = instruction.flowControl;
      const isDirect =
        flow === FlowControl.UnconditionalBranch || flow === FlowControl.ConditionalBranch;
      const end = at + instruction.length;
      if (isDirect && (place === end - 1 || place === end - 4)) isFound = true;
    });
    return isFound;
  }

  /** Of the functions, and of all on the ways to them. */
  of(users: readonly number[]): Map<number, Reach> {
    const ways = new Map<number, Way[]>();
    const seen = new Set(users);
    const queue = [...users];
    // Who takes the addresses of functions that are chosen elsewhere makes a list of them, and calls none:
    // glibc's __libc_ifunc_impl_list.
    const listing = new Set<number>();
    let hasLooked = false;
    const unreached: number[] = [];
    for (let to = queue.pop(); to !== undefined; to = queue.pop()) {
      const waysTo = this.#waysTo(to);
      const isChosenFrom = waysTo.some(({ isCall, isGuarded }) => isGuarded && !isCall);
      for (const way of waysTo) {
        if (isChosenFrom && !way.isCall && !way.isGuarded) listing.add(way.from);
        const out = ways.get(way.from);
        if (out === undefined) ways.set(way.from, [way]);
        else out.push(way);
        if (seen.has(way.from)) continue;
        seen.add(way.from);
        queue.push(way.from);
      }
      if (waysTo.length === 0 && !this.#isEntered(to)) unreached.push(to);
      if (queue.length === 0 && !hasLooked && unreached.length > 0) {
        hasLooked = true;
        this.#addEntrances(unreached);
        queue.push(...unreached);
      }
    }
    const reach = new Map<number, Reach>();
    const next: number[] = [];
    const raise = (index: number, value: Reach) => {
      if (value <= (reach.get(index) ?? UNREACHED)) return;
      reach.set(index, value);
      next.push(index);
    };
    for (const index of seen) {
      const { start } = this.#functions.list[index] as CodeFunction;
      const isNamed = this.#isNamed(index);
      if (this.#file.resolvers.has(start)) raise(index, CHOSEN);
      else if (this.#roots.has(index)) raise(index, isNamed ? CHOSEN : OPEN);
      raise(index, this.#byTables(index));
    }
    for (let from = next.pop(); from !== undefined; from = next.pop()) {
      const value = reach.get(from) ?? UNREACHED;
      for (const { to, isGuarded, isCall } of ways.get(from) ?? [])
        if (isGuarded || (!isCall && listing.has(from))) raise(to, CHOSEN);
        // A name says that somebody chooses, though not who.
        else raise(to, value === OPEN && this.#isNamed(to) ? UNCLEAR : value);
    }
    return reach;
  }

  /**
   * Features that the file uses whenever it starts: what its entry and what runs at the start do in any case, and
   * what they call in any case. `known`: functions on the ways to others with features; the rest has none.
   */
  certainFeatures(known: ReadonlyMap<number, Reach>): Set<FeatureName> {
    const { entry, starters, isProgram } = this.#file;
    const first = isProgram ? [entry, ...starters] : starters;
    const queue = first.map((address) => this.#functions.startingAt(address));
    for (const [index, { name }] of this.#functions.list.entries())
      if (isProgram && name !== undefined && STARTED.has(name)) queue.push(index);
    const seen = new Set<number>();
    const features = new Set<FeatureName>();
    for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
      const fn = this.#functions.list[index];
      if (fn === undefined || seen.has(index) || !known.has(index)) continue;
      seen.add(index);
      const certain = readCertain(this.#reader, fn, this.#dispatch.neverReturns);
      for (const feature of certain.features) features.add(feature);
      for (const to of certain.to) queue.push(this.#functions.startingAt(to));
    }
    return features;
  }

  /** Where a use of a function belongs that isn't guarded within it. */
  classOf(index: number, reach: Reach): CodeClass | 'open' {
    if (reach === OPEN) return this.#dispatch.asks ? 'open' : 'needs';
    if (reach === CHOSEN) return 'chooses';
    return reach === UNREACHED && this.#isNamed(index) ? 'chooses' : 'unclear';
  }
}

class Collected {
  readonly #features = new Map<
    FeatureName,
    { functions: Set<CodeFunction>; first: NonNullable<CodeFeature['first']> }
  >();

  add(fn: CodeFunction, { features, at, length }: FeatureUse): void {
    for (const feature of features) {
      const found = this.#features.get(feature);
      const first = {
        symbol: fn.name ?? null,
        offset: at - fn.start,
        address: at,
        length,
      };
      if (found === undefined) this.#features.set(feature, { functions: new Set([fn]), first });
      else {
        found.functions.add(fn);
        if (at < found.first.address) found.first = first;
      }
    }
  }

  toList(): CodeFeature[] {
    return ROWS.flatMap(({ name }) => {
      const found = this.#features.get(name);
      if (found === undefined) return [];
      return [{ feature: name, functions: found.functions.size, first: found.first }];
    });
  }
}

/** Undefined: no 64-bit ELF program or library of x86-64. */
export function auditCode(bytes: Uint8Array): CodeAudit | undefined {
  const file = readElf(bytes);
  if (file === undefined) return undefined;
  const classes = { needs: new Collected(), chooses: new Collected(), unclear: new Collected() };
  const reader = new CodeReader(file);
  let unprovenBytes = 0;
  try {
    const isCandidate = ({ start, end }: CodeFunction) => {
      const at = reader.offsetOf(start);
      return at >= 0 && mayUseFeatures(bytes, at, at + end - start);
    };
    const users = new Map<CodeFunction, User>();
    const look = (fn: CodeFunction) => {
      const user = isCandidate(fn) ? usesOf(reader, fn) : undefined;
      if (user !== undefined) users.set(fn, user);
    };
    for (const fn of file.functions) look(fn);
    if (users.size > 0 || gapsOf(file.code, file.functions).some(isCandidate)) {
      const stubs = importStubs(file);
      const references = findReferences(file, stubs.keys());
      const functions = withReferred(file, references.toUnknown);
      const known = new Set(file.functions);
      for (const fn of functions.list) if (!known.has(fn)) look(fn);
      if (users.size > 0) {
        const dispatch = findDispatch(file, reader, functions, references, stubs);
        const reaching = new Reaching(file, reader, functions, references, dispatch);
        const reach = reaching.of(
          [...users.keys()].map(({ start }) => functions.startingAt(start)),
        );
        // A file that asks may have written down the answer where no reading of code finds it: in memory that it
        // allocates, in arguments. Then a way without a question proves nothing, unless it is always gone.
        const certain = dispatch.asks ? reaching.certainFeatures(reach) : new Set<FeatureName>();
        for (const { fn, uses, doubtful } of users.values()) {
          const index = functions.startingAt(fn.start);
          const reached = reaching.classOf(index, reach.get(index) ?? UNREACHED);
          const isChosen = ({ features }: FeatureUse) =>
            features.every((feature) => ALWAYS_CHOSEN.has(feature));
          const outsideOf = (use: FeatureUse): CodeClass => {
            if (isChosen(use)) return 'chooses';
            if (reached !== 'open') return reached;
            return use.features.every((feature) => certain.has(feature)) ? 'needs' : 'unclear';
          };
          const behaviour = dispatch.behaviours.get(index);
          const doubtfulFrom = doubtful[0]?.at ?? Number.POSITIVE_INFINITY;
          for (const use of doubtful) classes.unclear.add(fn, use);
          if (behaviour === undefined || !behaviour.asks)
            for (const use of uses) classes[outsideOf(use)].add(fn, use);
          else
            for (const use of behaviour.uses)
              if (use.at < doubtfulFrom)
                classes[use.isGuarded ? 'chooses' : outsideOf(use)].add(fn, use);
          if (behaviour?.asks === true)
            for (const use of uses)
              if (use.features[0] === 'apx') classes[outsideOf(use)].add(fn, use);
        }
      }
      for (const gap of gapsOf(file.code, functions.list)) {
        const user = isCandidate(gap) ? usesOf(reader, gap) : undefined;
        if (user === undefined) continue;
        unprovenBytes += gap.end - gap.start;
        for (const use of [...user.uses, ...user.doubtful]) classes.unclear.add(gap, use);
      }
    }
  } finally {
    reader.free();
  }
  return {
    buildId: file.buildId ?? null,
    needs: classes.needs.toList(),
    chooses: classes.chooses.toList(),
    unclear: classes.unclear.toList(),
    unprovenBytes,
  };
}
