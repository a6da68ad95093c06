/** The examples in docs/exporting-*.md, typed as they stand there. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../cli/run.js';
import { examplesOf, pattern, type } from '../docs/typed-examples.js';

const files = readdirSync(join(root, 'docs')).filter((name) => /^exporting-.*\.md$/.test(name));
// A command with "…" is to be completed by the reader.
const examples = files
  .map((file) => [file, examplesOf(file).filter(({ command }) => !command.includes('…'))] as const)
  .filter(([, typed]) => typed.length > 0);

describe('examples', () => {
  it('are found', () =>
    expect(examples.map(([file]) => file)).toEqual(
      expect.arrayContaining(['exporting-compilers.md', 'exporting-environment.md']),
    ));
  it.each(examples)('in %s print what stands there', (_, typed) => {
    for (const { command, output } of typed)
      expect(type(command), command).toMatch(pattern(output));
  });
});
