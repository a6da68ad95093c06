/** Why a baseline lacks a feature, for people. */
import type { Why } from '../../baseline/explain-drop.js';
import { featureRow } from '../../catalogue/index.js';
import { printable } from '../../model/printable.js';
import { featureLabel } from '../feature-label.js';
import type { TextStyle } from './check.js';
import { plural, reasonText } from './drop-reasons.js';
import { wrap } from './wrap.js';

function whyLines(why: Why, indent: string, { width }: TextStyle): string[] {
  return why.because.flatMap((reason) => {
    const line = wrap(reasonText(reason, why.hosts), width, indent);
    if (reason.kind !== 'prerequisite') return [line];
    const deeper = why.prerequisites.find(({ feature }) => feature === reason.feature);
    if (deeper === undefined) return [`${line} (see above)`];
    return [`${line}:`, ...whyLines(deeper, `${indent}  `, { width } as TextStyle)];
  });
}

/** `explain --why FEATURE BASELINE`. */
export function whyText(why: Why, name: string, style: TextStyle): string {
  const { colors } = style;
  const title = `${colors.bold(featureLabel(why.feature))}  ${featureRow(why.feature).title}`;
  const all = why.hosts === 1 ? 'its host has it' : `all ${why.hosts} hosts have it`;
  if (why.kept) return `${title}\nIn ${printable(name)}: ${all}.\n`;
  return `${[
    title,
    `Not in ${printable(name)}: ${why.having} of ${plural(why.hosts, 'host')} ${why.having === 1 ? 'has' : 'have'} it.`,
    ...whyLines(why, '  ', style),
  ].join('\n')}\n`;
}
