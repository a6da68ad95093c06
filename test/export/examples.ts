/** Baselines to try targets with: of every shipped model, of pairs of them, of published dumps. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { openInput } from '../../src/formats/format.js';
import { instlatx64 } from '../../src/formats/instlatx64.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { models } from '../baseline/clusters.js';
import { names as profiles } from '../profiles/load.js';

export type Example = readonly [title: string, baseline: Baseline];

const PAIRS: readonly (readonly string[])[] = [
  ['haswell', 'skylake-sp'],
  ['nehalem', 'graniterapids'],
  ['icelake-sp', 'sapphirerapids', 'emeraldrapids'],
  ['sierraforest', 'graniterapids'],
  ['epyc-rome', 'epyc-milan'],
  ['epyc-genoa', 'epyc-turin'],
  ['opteron-g3', 'epyc-naples'],
  ['haswell', 'epyc-rome'],
  ['icelake-sp', 'epyc-genoa'],
  ['hygon-dhyana', 'epyc-naples'],
];

export function exampleOf(...names: readonly string[]): Example {
  return [names.join(' + '), baselineOf(models(...names))];
}

export const MODEL_EXAMPLES: readonly Example[] = [...profiles.map((name) => [name]), ...PAIRS].map(
  (names) => exampleOf(...names),
);

const shared =
  process.env.CPUGATE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const corpus = join(shared, 'corpus', 'instlatx64');
export const corpusIsHere: boolean = existsSync(corpus);

/** Empty where the dumps aren't at hand. */
export function corpusHosts(): readonly Host[] {
  if (!corpusIsHere) return [];
  return readdirSync(corpus)
    .filter((file) => file.endsWith('.txt'))
    .map((file) => instlatx64.read(openInput(file, readFileSync(join(corpus, file)))));
}

export function corpusExamples(): readonly Example[] {
  return corpusHosts().map((host) => [host.name, baselineOf(clusterOf([describeHost(host)]))]);
}
