/**
 * Launch settings of runtimes and libraries that look at the CPU themselves. One file to read into the
 * environment; what only a command line takes stands in a comment. See runtime-knobs.ts.
 */
import type { Baseline } from '../baseline/baseline.js';
import type { FeatureName } from '../catalogue/index.js';
import { environmentUsage, type VariableGroup, writeEnvironment } from './environment.js';
import { hiddenFeatures } from './hidden-features.js';
import { notExpressed, note, type Remark } from './remark.js';
import { KNOBS, type Knob, type KnobResult } from './runtime-knobs.js';
import type { Exported, ExportOptions, Target } from './target.js';

const CONFIG_MAP = 'cpugate-runtimes';

const HEAD: readonly Remark[] = [
  'Settings by which runtimes and libraries do without what the baseline lacks. A name that a release does not know is passed over unless said otherwise.',
  'Other programs that ask CPUID themselves are not reached: only masked CPUID reaches all.',
].map(note);

interface Answer extends KnobResult {
  readonly knob: Knob;
}

function groupOf({ knob, settings, comments = [] }: Answer): VariableGroup {
  const none = settings.length + comments.length === 0 ? ['Nothing to set.'] : [];
  return {
    comments: [`${knob.of}: ${knob.note}`, ...comments, ...none],
    variables: settings,
  };
}

/** What no runtime has a setting for is said once. */
function unreachedBy(answers: readonly Answer[], hidden: readonly FeatureName[]): Remark[] {
  const nowhere = hidden.filter((name) => answers.every((one) => one.unreached.includes(name)));
  const lines = answers.map(({ knob, unreached }) => ({
    who: `${knob.of}: no setting for`,
    names: unreached.filter((name) => !nowhere.includes(name)),
  }));
  return [...lines, { who: 'None of these has a setting for', names: nowhere }]
    .filter(({ names }) => names.length > 0)
    .map(({ who, names }) => notExpressed(`${who} ${names.join(', ')}.`));
}

function write(baseline: Baseline, { format = 'env-file' }: ExportOptions): Exported {
  const hidden = hiddenFeatures(baseline);
  const head = [...HEAD, environmentUsage(format, CONFIG_MAP)];
  const answers = hidden.length === 0 ? [] : KNOBS.map((knob) => ({ knob, ...knob.write(hidden) }));
  const nothing = hidden.length === 0 ? [note('The hosts have nothing beyond the baseline.')] : [];
  return {
    content: writeEnvironment(format, CONFIG_MAP, answers.map(groupOf)),
    remarks: [...head, ...nothing, ...unreachedBy(answers, hidden)],
  };
}

export const runtimes: Target = {
  name: 'runtimes',
  file: 'runtimes.env',
  comments: 'hash',
  isEnvironment: true,
  write,
};
