/** What the recipes of CONTRIBUTING.md promise to find, where no other test would. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/specs/index.js';
import { TARGET_NAMES } from '../../src/export/target-names.js';
import { findFormat } from '../../src/formats/index.js';
import { FINDING_CODES, RULES } from '../../src/rules/index.js';
import { cpugate } from '../cli/run.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const modulesOf = (folder: string) =>
  readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts') && name !== 'index.ts');

describe('a format', () => {
  it.each(modulesOf('src/formats'))('of src/formats/%s is looked for', async (file) => {
    const module: Record<string, unknown> = await import(
      `../../src/formats/${file.slice(0, -3)}.ts`
    );
    for (const value of Object.values(module))
      if (typeof value === 'object' && value !== null && 'recognise' in value && 'name' in value)
        expect(await findFormat(String(value.name))).toBe(value);
  });
});

describe('a rule', () => {
  const codes: readonly string[] = FINDING_CODES;
  it.each(modulesOf('src/rules').filter((file) => codes.includes(file.slice(0, -3))))(
    'of src/rules/%s is asked',
    async (file) => {
      const module: Record<string, unknown> = await import(
        `../../src/rules/${file.slice(0, -3)}.ts`
      );
      const rules: readonly unknown[] = RULES;
      expect(Object.values(module).filter((value) => rules.includes(value))).toHaveLength(1);
    },
  );
  it.each(codes)('with the code %s stands in docs/checking.md', (code) =>
    expect(read('docs/checking.md')).toContain(`\`${code}\``),
  );
});

describe('an export', () => {
  const pages = readdirSync(join(root, 'docs'))
    .filter((name) => name.startsWith('exporting-'))
    .map((name) => read(`docs/${name}`))
    .join('\n');
  it.each(TARGET_NAMES)('for %s stands on a page about exports', (name) =>
    expect(pages).toMatch(new RegExp(`(?:--for |\`)${name}\\b`)),
  );
});

describe('a command', () => {
  // It comes as far as to look at the command's arguments.
  it.each(COMMANDS.map(({ name }) => name).filter((name) => name !== 'completion'))(
    '%s is one that the program can run',
    (name) => {
      const { status, err } = cpugate([name, '--such']);
      expect([status, err]).toEqual([2, expect.stringContaining('option --such')]);
    },
  );
});
