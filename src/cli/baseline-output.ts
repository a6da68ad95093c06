/** What `baseline -o FILE` writes, and where the text for people goes meanwhile. */

import { statSync } from 'node:fs';
import { type Baseline, countHosts } from '../baseline/baseline.js';
import type { Pools } from '../baseline/pools.js';
import { MAX_INPUT_BYTES } from '../formats/format.js';
import { InputError } from '../model/errors.js';
import { type BaselineExtras, baselineFileText, baselineJson } from '../report/baseline-json.js';
import type { Outcome } from '../report/text/baseline-written.js';
import type { Arguments } from './arguments.js';
import { type HeldFile, holdFile, isSameFile } from './hold-file.js';
import { writeErr, writeOut } from './output.js';
import {
  isStandardOutput,
  refuseOutputWithoutFolder,
  refuseTwoOnStandardOutput,
} from './output-place.js';
import { isPoolOf, poolPath, refuseToReplace, removeStalePools } from './pool-files.js';
import type { OwnOutput } from './read-cluster.js';
import { VERSION } from './version.js';
import { type FileContent, writeAllWhole } from './write-file.js';

function fileText(baseline: Baseline, extras: BaselineExtras): string {
  const text = baselineFileText(baselineJson(baseline, extras));
  if (Buffer.byteLength(text) > MAX_INPUT_BYTES)
    throw new InputError('too-large', 'the baseline would be too large to be read again', {
      remedy: 'Make one for each part of the fleet: hosts so unlike have little in common.',
    });
  return text;
}

function isRegularFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function describe(path: string, baseline: Baseline) {
  return { path, hosts: countHosts(baseline.cluster), level: baseline.level };
}

export class BaselineOutput {
  readonly #path: string | undefined;
  readonly #isStandard: boolean;
  #held: HeldFile | undefined;

  /** Throws InputError where what is asked for would write two things into one place. */
  constructor(args: Arguments) {
    this.#path = args.text('output');
    this.#isStandard = isStandardOutput(this.#path);
    if (this.#path === undefined) return;
    refuseTwoOnStandardOutput('-o', this.#path, args.flag('json'));
    if (args.text('pools') !== undefined)
      refuseOutputWithoutFolder(this.#path, "each pool's baseline is written beside it");
  }

  /** For the reader of hosts: what isn't one, though it lies among them. */
  get own(): OwnOutput {
    const path = this.#path;
    return {
      isTarget: (file) => path !== undefined && isRegularFile(path) && isSameFile(path, file),
      isBeside: (file) => path !== undefined && isPoolOf(path, file),
    };
  }

  /** What is about to be read; held until the end where it is also what is written. */
  hold(sources: readonly string[]): void {
    const path = this.#path;
    if (path === undefined || !isRegularFile(path)) return;
    if (sources.some((source) => isSameFile(source, path))) this.#held = holdFile(path);
  }

  write(baseline: Baseline, extras: Omit<BaselineExtras, 'cpugate'>): Outcome {
    if (this.#path === undefined) return { written: [] };
    const path = this.#path;
    const pools = (extras.pools?.pools ?? []).map(({ baseline: ofPool }, place) => ({
      path: poolPath(path, place + 1),
      baseline: ofPool,
    }));
    for (const pool of pools) refuseToReplace(pool.path);
    const files: FileContent[] = pools.map((pool) => ({
      path: pool.path,
      content: fileText(pool.baseline, { cpugate: VERSION }),
    }));
    files.push({ path, content: fileText(baseline, { cpugate: VERSION, ...extras }) });
    writeAllWhole(files, () => this.#held?.checkUnchanged());
    return {
      written: [{ path, baseline }, ...pools].map((one) => describe(one.path, one.baseline)),
      ...this.#removeStale(extras.pools),
    };
  }

  #removeStale(pools: Pools | undefined) {
    if (this.#path === undefined || pools === undefined) return {};
    return removeStalePools(this.#path, pools.pools.length);
  }

  /** Text for people: beside the baseline where that goes to standard output. */
  say(text: string): void {
    (this.#isStandard ? writeErr : writeOut)(text);
  }

  release(): void {
    this.#held?.release();
  }
}
