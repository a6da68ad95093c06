/**
 * Launch settings of runtimes and libraries that look at the CPU themselves. One file to read into the
 * environment; what only a command line takes stands in a comment. See runtime-knobs.ts.
 */
import type { Baseline } from '../baseline/baseline.js';
import { hashComments } from './hash-comments.js';
import { hiddenFeatures } from './hidden-features.js';
import { KNOBS } from './runtime-knobs.js';
import type { Exported, Target } from './target.js';

const HEAD = [
  'Settings by which runtimes and libraries do without what the baseline lacks: an environment file. A name that a release does not know is passed over unless said otherwise.',
];

const OTHERS =
  'Other programs that ask CPUID themselves are not reached: only masked CPUID reaches all.';

function write(baseline: Baseline): Exported {
  const hidden = hiddenFeatures(baseline);
  if (hidden.length === 0)
    return {
      content: hashComments([...HEAD, 'The hosts have nothing beyond the baseline.']),
      missing: [OTHERS],
    };
  const results = KNOBS.map((knob) => ({ knob, result: knob.write(hidden) }));
  const nowhere = hidden.filter((name) =>
    results.every(({ result }) => result.unreached.includes(name)),
  );
  const missing: string[] = [];
  let content = hashComments(HEAD);
  for (const { knob, result } of results) {
    const { settings, comments = [] } = result;
    const unreached = result.unreached.filter((name) => !nowhere.includes(name));
    if (unreached.length > 0) missing.push(`${knob.of}: no setting for ${unreached.join(', ')}.`);
    const lines = settings.map((line) => `${line}\n`).join('');
    const none = lines === '' && comments.length === 0 ? ['Nothing to set.'] : [];
    content += `\n${hashComments([`${knob.of}: ${knob.note}`, ...comments, ...none])}${lines}`;
  }
  if (nowhere.length > 0) missing.push(`None of these has a setting for ${nowhere.join(', ')}.`);
  missing.push(OTHERS);
  return { content: `${content}\n${hashComments(missing)}`, missing };
}

export const runtimes: Target = {
  name: 'runtimes',
  file: 'runtimes.env',
  write,
};
