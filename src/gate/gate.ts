/**
 * May the tasks in these images go on at this host? What a comparison of the hosts says, and what
 * only the images tell: registers that hold something now, handlers that are running, sizes that
 * glibc keeps. Pure: images and a host in, one report out.
 */
import type { CompareOptions, Report } from '../compare/compare.js';
import type { Verdict } from '../compare/verdict.js';
import type { Host } from '../model/host.js';
import type { ImageFolder } from '../model/image-folder.js';

export interface GateOptions extends CompareOptions {
  /** The CRIU that would restore ("3.17.1"); undefined: not known. */
  readonly criuVersion?: string;
  /** The user restores whatever is found; the report records it. */
  readonly force?: boolean;
  /** The mildest verdict that refuses; default: at-risk, as for a check. */
  readonly failOn?: Verdict;
}

export interface GateReport extends Report {
  readonly images: {
    readonly folder: string;
    readonly processes: number;
    readonly threads: number;
    /** Where the dump's CPU is known from. */
    readonly source: 'record' | 'cpuinfo' | 'none';
    readonly taken?: string;
  };
  readonly forced: boolean;
  /** Whether a restore may go on: the verdict allows it, or the user forces it. */
  readonly permitted: boolean;
}

export declare function gate(images: ImageFolder, target: Host, options?: GateOptions): GateReport;
