/** What is said of CRIU's own answer. */
import { describe, expect, it } from 'vitest';
import type { CriuAnswer } from '../../src/rules/context.js';
import { criuAccepts, criuRefuses, criuUnknown } from '../../src/rules/criu-answers.js';
import { HASWELL, seen } from '../hosts.js';

const host = seen(HASWELL);
const found = (criu: CriuAnswer | undefined) =>
  [criuRefuses, criuUnknown, criuAccepts].flatMap((rule) =>
    rule.findings({ from: host, to: host, criu }).map(({ code, severity, effect }) => {
      return { code, severity, effect };
    }),
  );
const refused = (lacking: readonly string[], added: readonly string[]) =>
  found({ outcome: 'refuses', reason: 'CPU capabilities do not match', lacking, added });

describe("CRIU's answer", () => {
  it.each([
    ['what the target lacks', ['avx', 'fma'], [], ' The target lacks avx fma.'],
    ['what only the target has', [], ['mpx'], ' Only the target has mpx.'],
    ['both', ['avx'], ['mpx'], ' The target lacks avx. Only the target has mpx.'],
    ['neither', [], [], ''],
  ])('that it refuses names its reason and %s', (_, lacking, added, rest) => {
    expect(refused(lacking, added)).toEqual([
      {
        code: 'criu-refuses',
        severity: 'blocker',
        effect: `CRIU refuses the image: "CPU capabilities do not match".${rest}`,
      },
    ]);
  });
  it('that is not known names all that is missing', () => {
    expect(found({ outcome: 'unknown', missing: ['leaf 0x7', 'XCR0'] })).toMatchObject([
      {
        code: 'criu-unknown',
        severity: 'unknown',
        effect: expect.stringMatching(/leaf 0x7, XCR0/),
      },
    ]);
  });
  it('that it accepts is a note', () => {
    expect(found({ outcome: 'accepts' })).toMatchObject([
      { code: 'criu-accepts', severity: 'info' },
    ]);
  });
  it('is not spoken of where nobody asked', () => {
    expect(found(undefined)).toEqual([]);
  });
});
