/**
 * What the commands decide, for programs. A program reads bytes to a Host (readHost, readModel),
 * and asks about hosts: what one shows (describeHost), whether tasks can move from one to another
 * (compareHosts, compareAll), what many have in common (baselineOf, poolsOf). A Baseline becomes a
 * mask (compileMask) or another tool's settings (exportBaseline).
 *
 * Hosts and baselines are frozen; everything else is plain data, in the shape of the command's
 * answer to --json, which schemas/ describes. What can't be used throws InputError. Nothing here
 * opens a file, asks a machine or needs Node.js: bytes in, values out. This machine as a Host is an
 * entry of its own, cpugate/probe. The types in this folder are the ones that programs see, so they
 * name nothing of the rooms below; docs/library.md has examples.
 */

export type { TargetName } from '../export/target-names.js';
export { InputError, type Place } from '../model/errors.js';
export type { Mode } from '../rules/mode-names.js';
export { baselineOf, poolsOf, readBaseline, whyDropped, writeBaseline } from './baselines.js';
export { compareAll, compareHosts } from './compare.js';
export { exportBaseline, listTargets } from './export.js';
export { explainFeature, findFeature } from './features.js';
export { describeHost, readHost, writeHost } from './hosts.js';
export { compileMask } from './mask.js';
export { listModels, readModel } from './models.js';
export type {
  Baseline,
  BaselineComponent,
  BaselineHosts,
  BaselineOptions,
  CheckReport,
  CompareOptions,
  CompiledMask,
  Dropped,
  DropReason,
  Exported,
  ExportOptions,
  FeatureReport,
  Finding,
  Host,
  HostFormat,
  HostIdentity,
  HostKind,
  HostReport,
  Level,
  MaskRow,
  MatrixReport,
  Model,
  Pools,
  PoolsOptions,
  ReadOptions,
  Registers,
  Remark,
  Severity,
  Target,
  Verdict,
  WhyReport,
  Written,
} from './shapes.js';
export { VERSION } from './version.js';
