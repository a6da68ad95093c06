import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { findTarget } from '../../src/export/index.js';
import { placeRemarks } from '../../src/export/place-remarks.js';
import { condition, notExpressed, note } from '../../src/export/remark.js';
import type { Target } from '../../src/export/target.js';
import { TARGET_NAMES } from '../../src/export/target-names.js';
import { baselineOfPlans, INTEL_512, models } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';

/** What comments say, without their marks and line ends. */
function wordsOf(text: string): string {
  return text.replace(/^(?:#|<!--|-->| )+/gm, '').replace(/\s+/g, ' ');
}

const remarks = [
  notExpressed('It has no name for x.'),
  note('An output.'),
  condition('Only if y.'),
  note('Used so.'),
];
const target = (comments: Partial<Target>): Target => ({
  name: 'rr',
  file: 'x',
  write: () => ({ content: '', remarks: [] }),
  ...comments,
});

describe('remarks', () => {
  it('are comments of the file, each called what it is', () =>
    expect(placeRemarks(target({ comments: 'hash' }), { content: 'a\n', remarks })).toEqual({
      content: `# An output.
# Used so.
#
# Condition: Only if y.
#
# Not expressed: It has no name for x.

a
`,
      left: [],
    }));
  it('are one comment in XML, which nothing in them ends', () => {
    const odd = [note('a---b--> <evil/>'), note('c\n-->\n<evil/>')];
    const { content } = placeRemarks(target({ comments: 'xml' }), {
      content: '<a/>\n',
      remarks: odd,
    });
    expect(content).toMatch(/^<!--\n(?:(?!--)[\s\S])*-->\n<a\/>\n$/);
    expect(content).toContain('a- - -b- -> <evil/>');
  });
  it('can not leave a line comment', () => {
    const odd = [note('a\nevil=1\r\nevil=2\u2028evil=3')];
    const { content } = placeRemarks(target({ comments: 'hash' }), {
      content: 'a\n',
      remarks: odd,
    });
    expect(`${content}`.split(/[\n\r\u2028]/).filter((line) => /^evil/.test(line))).toEqual([]);
  });
  it('are left to the caller where the file has no comments', () =>
    expect(placeRemarks(target({}), { content: 'a\n', remarks })).toEqual({
      content: 'a\n',
      left: remarks,
    }));
});

const CLUSTERS: readonly Baseline[] = [
  baselineOfPlans([HASWELL]),
  baselineOfPlans([HASWELL, { ...INTEL_512, vendor: 'CentaurHauls' }]),
  baselineOf(models('haswell', 'epyc-rome')),
  baselineOf(models('nehalem', 'graniterapids')),
];

it.each(TARGET_NAMES)('of %s are said once, in the file or beside it', (name) => {
  const one = findTarget(name) as Target;
  for (const baseline of CLUSTERS) {
    const exported = one.write(baseline, name === 'glibc' ? { glibc: '2.36' } : {});
    const texts = exported.remarks.map(({ text }) => text);
    expect(new Set(texts).size).toBe(texts.length);
    const { content, left } = placeRemarks(one, exported);
    if (one.comments === undefined) {
      expect([content, left]).toEqual([exported.content, exported.remarks]);
      continue;
    }
    expect(left).toEqual([]);
    const words = wordsOf(`${content}`);
    for (const text of texts)
      expect(
        words.split(text.replace(/-(?=-)/g, one.comments === 'xml' ? '- ' : '-')),
      ).toHaveLength(2);
    // Content alone doesn't say them.
    for (const text of texts) expect(wordsOf(`${exported.content}`)).not.toContain(text);
  }
});
