/** A baseline with the bytes that it was read from: they go into the record as they are. */
import type { Baseline } from '../baseline/baseline.js';

export interface NamedBaseline {
  readonly name: string;
  readonly baseline: Baseline;
  /** Its file's JSON. */
  readonly json: object;
}
