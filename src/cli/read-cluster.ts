/**
 * From what the user wrote to a cluster: hosts of any format, folders of them, streams of one a line,
 * and baselines, which join with all of their hosts. Only kinds of hosts are kept.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import type { BaselineOptions } from '../baseline/baseline.js';
import {
  besideKind,
  type Cluster,
  ClusterFold,
  TOO_MANY_KINDS,
  tooManyKinds,
} from '../baseline/cluster.js';
import { kindKey, kindOf } from '../baseline/host-kind.js';
import { joinOptions } from '../baseline/join-options.js';
import {
  type BaselineFile,
  baseline,
  hostOfBaseline,
  readBaselineFile,
} from '../formats/baseline.js';
import { firecracker } from '../formats/firecracker.js';
import { openInput } from '../formats/format.js';
import { readEachHost } from '../formats/index.js';
import { KUBERNETES_KIND } from '../formats/kubernetes-kinds.js';
import { profile } from '../formats/profile.js';
import { type Capabilities, describeHost } from '../model/capabilities.js';
import { describeInputError, InputError, isInputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { printable } from '../model/printable.js';
import { hostFilesIn } from './host-folder.js';
import { refuseUselessKernel, takesKernel } from './kernel-argument.js';
import { Lines } from './lines.js';
import {
  isCloudMachine,
  isFolder,
  isNamedHost,
  loadFamily,
  loadHost,
  readError,
  readFile,
} from './load-host.js';
import { writeErr } from './output.js';
import { type FoldedHost, ProfileLines } from './profile-lines.js';
import { Progress } from './progress.js';

export interface ClusterInput {
  readonly cluster: Cluster;
  /** What the baselines among the sources were made with; undefined where there was none. */
  readonly options: BaselineOptions | undefined;
}

export interface ReadOptions {
  /** Pass over what can't be read, and say so on standard error. */
  readonly skipUnreadable?: boolean;
  /** Of every /proc/cpuinfo among the sources: the Linux release that wrote it, or a lower one. */
  readonly kernel?: string | undefined;
  /** Given each host as well, in the order of the sources; a baseline is one host then. */
  readonly onHost?: (host: Capabilities) => void;
  /** Sorts each host, in the same order. */
  readonly sorter?: HostSorter;
  /** What the command writes, now or in an earlier run: no host of a folder. */
  readonly output?: OwnOutput;
}

/** Sorts hosts by all that Capabilities tell, but for their names and what is wild in ProfileLines. */
export interface HostSorter {
  /** What hosts that are equal there have in common; asked once for many of them. */
  sort(host: Capabilities): number;
  take(name: string, sorted: number): void;
}

/** Files that the command writes. */
export interface OwnOutput {
  /** What is written now. */
  isTarget(path: string): boolean;
  /** What is written beside it. */
  isBeside(path: string): boolean;
}

const NO_OUTPUT: OwnOutput = { isTarget: () => false, isBeside: () => false };

const OWN_RECORD = /"kind"\s{0,20}:\s{0,20}"cpugate-(?:host-profile|cpu-profile|baseline)"/;
/** UTF-8's, as latin1 shows it. */
const BYTE_ORDER_MARK = /^\xef\xbb\xbf/;
/** So many faults are listed; the rest is counted. */
const FAULTS_LISTED = 20;
const WOULD_OVERWRITE = 'would-overwrite';
const ENDS_AT_ONCE: ReadonlySet<string> = new Set([TOO_MANY_KINDS, WOULD_OVERWRITE]);

/** One record a line: the first is whole, of a format that is one line where others are many. */
function isRecord(line: Buffer): boolean {
  const text = line.toString('latin1').replace(BYTE_ORDER_MARK, '').trim();
  if (!text.startsWith('{') || !text.endsWith('}')) return false;
  const input = openInput('', line);
  if (input.json() === undefined) return false;
  return OWN_RECORD.test(text) || KUBERNETES_KIND.test(text) || firecracker.recognise(input);
}

function holdsBaseline(path: string): boolean {
  return baseline.recognise(openInput(path, readFile(path, path)));
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** What is wrong and where; what to do about it is said once, where it is the only fault. */
function firstLine(error: InputError): string {
  return describeInputError(error).split('\n', 1)[0] ?? '';
}

const WAY_OUT = '--skip-unreadable goes on without it.';

function withWayOut({ code, message, place, remedy, cause }: InputError): InputError {
  return new InputError(code, message, {
    place,
    remedy: remedy === undefined ? WAY_OUT : `${remedy} ${WAY_OUT}`,
    ...(cause === undefined ? {} : { cause }),
  });
}

class ClusterReader {
  readonly #fold = new ClusterFold();
  readonly #lines = new ProfileLines();
  readonly #progress = new Progress('hosts');
  #options: BaselineOptions | undefined;
  readonly #faults: string[] = [];
  #faultCount = 0;
  #first: InputError | undefined;
  #sources = 0;
  #hasCollection = false;
  readonly #skips: boolean;
  /** Whether the user can ask for it. */
  readonly #maySkip: boolean;

  readonly #onHost: ReadOptions['onHost'];
  readonly #sorter: HostSorter | undefined;
  readonly #output: OwnOutput;
  readonly #kernel: string | undefined;
  #isKernelUsed = false;

  constructor({ skipUnreadable, onHost, sorter, output = NO_OUTPUT, kernel }: ReadOptions) {
    this.#skips = skipUnreadable === true;
    this.#maySkip = skipUnreadable !== undefined;
    this.#onHost = onHost;
    this.#sorter = sorter;
    this.#output = output;
    this.#kernel = kernel;
  }

  async source(wanted: string): Promise<void> {
    this.#sources++;
    if (wanted === '-') return this.#guard(() => this.#stream('standard input', 0));
    if (isCloudMachine(wanted))
      return this.#guard(async () => {
        for (const host of await loadFamily(wanted)) this.#addHost(host);
      });
    if (isNamedHost(wanted))
      return this.#guard(async () => void this.#addHost(await loadHost(wanted)));
    return this.#guard(() => (isFolder(wanted) ? this.#folder(wanted) : this.#file(wanted)));
  }

  finish(): ClusterInput {
    this.#progress.end();
    if (this.#faultCount > 0 && !this.#skips) throw this.#faultsAsError();
    this.#tellFaults('passed over: ');
    refuseUselessKernel(this.#kernel, this.#isKernelUsed);
    return { cluster: this.#fold.finish(), options: this.#options };
  }

  /** One is an error like any other; several are listed before it. */
  #faultsAsError(): InputError {
    const first = this.#first as InputError;
    const isOneOfMany = this.#sources > 1 || this.#hasCollection;
    if (this.#faultCount === 1) return isOneOfMany && this.#maySkip ? withWayOut(first) : first;
    this.#tellFaults('');
    return new InputError('unreadable', `${this.#faultCount} sources can't be read`, {
      remedy: '--skip-unreadable goes on without them.',
      cause: first,
    });
  }

  #tellFaults(what: string): void {
    const hidden = this.#faultCount - this.#faults.length;
    const lines = hidden > 0 ? [...this.#faults, `… and ${hidden} more`] : this.#faults;
    for (const line of lines) writeErr(`cpugate: ${what}${line}\n`);
  }

  /** All faults are found before any is reported, but for those that nobody can pass over. */
  async #guard(read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      if (!isInputError(error) || ENDS_AT_ONCE.has(error.code)) throw error;
      this.#first ??= error;
      if (++this.#faultCount <= FAULTS_LISTED) this.#faults.push(firstLine(error));
    }
  }

  async #folder(path: string): Promise<void> {
    this.#hasCollection = true;
    const files = hostFilesIn(path);
    for (const file of files)
      await this.#guard(async () => {
        if (!this.#isOwnOutput(file)) await this.#file(file);
      });
    if (files.length === 0)
      throw new InputError('empty', 'holds no file of a host', {
        place: { file: path },
        remedy: 'Hidden files and folders within it are not looked into; name them.',
      });
  }

  /** A baseline that stands there from an earlier run holds the hosts that the folder has, once more. */
  #isOwnOutput(path: string): boolean {
    if (!this.#output.isTarget(path) && !this.#output.isBeside(path)) return false;
    if (!holdsBaseline(path)) return false;
    writeErr(`cpugate: ${printable(path)} isn't read as a host: -o writes it\n`);
    return true;
  }

  /** What stands there would be lost, and no baseline gives it back. */
  #refuseToOverwrite(path: string): void {
    if (!this.#output.isTarget(path) || holdsBaseline(path)) return;
    throw new InputError(WOULD_OVERWRITE, 'is read as a host, and -o would overwrite it', {
      place: { file: path },
      remedy: 'Give -o another name.',
    });
  }

  async #file(path: string): Promise<void> {
    this.#refuseToOverwrite(path);
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      throw readError(path, error);
    }
    try {
      await this.#stream(path, descriptor);
    } catch (error) {
      throw isInputError(error) || !isSystemError(error) ? error : readError(path, error);
    } finally {
      closeSync(descriptor);
    }
  }

  /** A record a line, or one host in all. */
  async #stream(name: string, descriptor: number): Promise<void> {
    const stat = fstatSync(descriptor);
    const lines = new Lines(name, descriptor, stat.isFile() ? stat.size : undefined);
    const first = lines.peek();
    if (first?.isFollowed && isRecord(first.line)) return this.#records(name, lines);
    const bytes = lines.rest();
    if (this.#addMet(bytes)) return;
    const folded = await this.#record(name, bytes);
    if (folded !== undefined) this.#lines.remember(bytes, folded);
  }

  /** Whether all of it but its head was met before. Of such a record only the kind is known. */
  #addMet(record: Buffer): boolean {
    const found = this.#onHost === undefined ? this.#lines.find(record) : undefined;
    if (found === undefined) return false;
    if (found.sorted !== undefined) this.#sorter?.take(found.name, found.sorted);
    this.#add(found.kind, found.key, found.name, found.beside);
    return true;
  }

  async #records(name: string, lines: Lines): Promise<void> {
    this.#hasCollection = true;
    for (let line = lines.next(); line !== undefined; line = lines.next()) {
      if (this.#faultCount > 0 && !this.#skips) return;
      if (this.#addMet(line)) continue;
      if (line.length > 0 && !/^\s*$/.test(line.toString('latin1', 0, 100))) {
        const record = line;
        await this.#guard(() => this.#line(name, record, lines.number));
      }
    }
  }

  /** Errors name the line. */
  async #line(name: string, line: Buffer, number: number): Promise<void> {
    try {
      const folded = await this.#record(`${name}:${number}`, line);
      if (folded !== undefined) this.#lines.remember(line, folded);
    } catch (error) {
      if (!isInputError(error)) throw error;
      throw new InputError(error.code, error.message, {
        place: { ...error.place, file: name, line: number },
        ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
        cause: error,
      });
    }
  }

  /** Gives the host's kind where the record is one of cpugate's own profile. */
  async #record(called: string, bytes: Buffer): Promise<Omit<FoldedHost, 'name'> | undefined> {
    const input = openInput(called, bytes);
    const isProfile = profile.recognise(input);
    if (!isProfile && baseline.recognise(input)) {
      this.#addBaseline(called, readBaselineFile(input));
      return undefined;
    }
    const hosts = await readEachHost(called, bytes, { kernel: this.#kernel });
    if (hosts.length > 1) this.#hasCollection = true;
    let folded: Omit<FoldedHost, 'name'> | undefined;
    const add = (host: Host) => {
      this.#isKernelUsed ||= takesKernel(host);
      folded = this.#addHost(host);
    };
    for (const read of hosts)
      if (hosts.length === 1) add(read());
      else await this.#guard(async () => add(read()));
    return isProfile ? folded : undefined;
  }

  #addHost(host: Host): Omit<FoldedHost, 'name'> {
    const seen = describeHost(host);
    const sorted = this.#show(seen);
    const kind = kindOf(seen);
    const key = kindKey(kind);
    const beside = besideKind(seen);
    this.#add(kind, key, host.name, beside);
    return { kind, key, beside, sorted };
  }

  #show(seen: Capabilities): number | undefined {
    this.#onHost?.(seen);
    const sorted = this.#sorter?.sort(seen);
    if (sorted !== undefined) this.#sorter?.take(seen.name, sorted);
    return sorted;
  }

  #addBaseline(called: string, file: BaselineFile): void {
    this.#show(describeHost(hostOfBaseline(called, file.baseline)));
    for (const [key, group] of file.cluster)
      if (!this.#fold.addGroup(group, key)) throw tooManyKinds();
    this.#options = joinOptions(this.#options, file.options);
  }

  #add(...host: Parameters<ClusterFold['add']>): void {
    if (!this.#fold.add(...host)) throw tooManyKinds();
    this.#progress.tell(this.#fold.hosts);
  }
}

/** Throws InputError for what can't be read, all faults in one, and for sources without a host. */
export async function readCluster(
  sources: readonly string[],
  options: ReadOptions = {},
): Promise<ClusterInput> {
  const reader = new ClusterReader(options);
  for (const source of sources) await reader.source(source);
  const input = reader.finish();
  if (input.cluster.size === 0)
    throw new InputError('empty', 'no host could be read', {
      remedy: 'Name a file, a folder, "-", a model or localhost.',
    });
  return input;
}
