/** What rules are given: two hosts, and what is known beside them. */
import type { Capabilities } from '../model/capabilities.js';
import type { CodeEvidence } from '../model/code-audit.js';
import type { RecordedMask } from '../model/dump-record.js';
import type { ImageGap, ImageProcess, Repair } from '../model/image-folder.js';

/** What tasks under a mask have seen, as a record of them keeps it. */
export type SeenMask = RecordedMask;

/** What CRIU's own check would answer. */
export type CriuAnswer =
  | { readonly outcome: 'accepts' }
  | {
      readonly outcome: 'refuses';
      readonly reason: string;
      readonly lacking: readonly string[];
      readonly added: readonly string[];
    }
  | { readonly outcome: 'unknown'; readonly missing: readonly string[] };

/** What a folder of CRIU's images tells. */
export interface ImageEvidence {
  /** Processes with registers and memory. */
  readonly alive: readonly ImageProcess[];
  /** The dump's CPU without a mask; undefined: not known. */
  readonly source: Capabilities | undefined;
  /** The source by the user's word, as it is without these images; undefined: another way is known. */
  readonly told?: Capabilities | undefined;
  /** The source is known only from what processes keep in their memory. */
  readonly isFromMemory?: boolean;
  /** Of images that all processes share. */
  readonly gaps?: readonly ImageGap[];
  /** The mask that the tasks ran under, whether or not some task got around it. */
  readonly mask: SeenMask | undefined;
  /** What the restore makes larger; `alive` has it already. Absent: nothing. */
  readonly repairs?: readonly Repair[];
  /** The CRIU that would restore ("3.17.1"); undefined: not known. */
  readonly criuVersion: string | undefined;
}

export interface Context {
  /** The source as its tasks have seen it, through their mask. */
  readonly from: Capabilities;
  readonly to: Capabilities;
  /** One record was given as both: tasks stay where they are. */
  readonly isOneRecord?: boolean | undefined;
  /** The mask that the tasks run under. */
  readonly mask?: SeenMask | undefined;
  readonly images?: ImageEvidence | undefined;
  /** A virtual machine with the source's CPU is asked about, and no tasks. */
  readonly isMachine?: boolean | undefined;
  /** Hosts that are named by a cloud's family of machines. */
  readonly families?: readonly string[] | undefined;
  /** What instructions of files use; `to` is where they shall run. */
  readonly code?: CodeEvidence | undefined;
  /** In mode criu:CAP. */
  readonly criu?: CriuAnswer | undefined;
}

/**
 * Parts of a context. A rule sees all, but what it finds depends only on the parts that it names: that
 * is how "matrix" asks about many hosts at once.
 * - features: each feature for itself. fields: features that are numbers, or whose loss depends on another.
 * - area: the XSAVE area as a whole. packed: the one that XSAVEC lays out. component: each state component for itself.
 * - frame: signal frames. cpus: differences between a host's CPUs. unnamed: bits without a name.
 * - numbers: vendor, cache line, width of addresses.
 * - tiles: how large AMX's are. kernel: what the kernel gives tasks and no bit tells.
 * - identity: what no verdict depends on.
 * - images, code, criu: what is known beside two hosts. machine: two hosts of virtual machines. family: hosts that a
 *   cloud's document stands for.
 */
export type HostPart =
  | 'features'
  | 'fields'
  | 'area'
  | 'packed'
  | 'component'
  | 'frame'
  | 'cpus'
  | 'unnamed'
  | 'numbers'
  | 'tiles'
  | 'kernel'
  | 'identity';
export type Part = HostPart | 'images' | 'code' | 'criu' | 'machine' | 'family';
