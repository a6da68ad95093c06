/**
 * CRIU's record about a host as far as it can be told: what its checks compare. probe.ts makes it of
 * a CPU, view.ts of a host or of an image; cpuinfo.ts makes the image of it, predict.ts the answer.
 */
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import type { Known32, Known64 } from '../model/registers.js';
import type { Signature } from '../model/signature.js';

/** A field of the record: its value, or that the image lacks it; undefined: not known. */
export type Stored<T> = T | 'not-stored' | undefined;

export interface CriuView {
  readonly capabilityVersion: number;
  /** The vendor, where CRIU doesn't know it: it gives up then and leaves all else empty. */
  readonly unsupportedVendor?: string;
  readonly vendor: Stored<CriuCpuinfo['vendor']>;
  readonly signature: Stored<Signature>;
  readonly words: readonly Known32[];
  readonly modelId: Stored<string>;
  readonly xfeaturesMask: Stored<Known64>;
  readonly xsaveSize: Stored<number>;
  readonly xsaveSizeMax: Stored<number>;
}
