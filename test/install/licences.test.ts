/** Whose code is passed on, and under which licence. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundledPackages } from '../../scripts/licences.mjs';
import { root } from '../cli/run.js';

const text = readFileSync(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
const sections = text.split(/^={78}$/m).slice(1);

/** Packages that sources name, and what these need in turn; type packages have no code. */
function importedPackages(): Set<string> {
  const found = new Set<string>();
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const source = readFileSync(join(root, 'src', file), 'utf8');
    for (const [, name = ''] of source.matchAll(
      /^(?:import (?!type)[^'"]*|export [^'"]*|[^'"\n]*import\()['"]([a-z@][^'":]*)['"]/gm,
    ))
      if (!name.startsWith('node:'))
        found.add(
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        );
  }
  return found;
}

test('every package that the sources import has its licence there', () => {
  const imported = [...importedPackages()].filter((name) =>
    existsSync(join(root, 'node_modules', name)),
  );
  expect(imported.length).toBeGreaterThan(3);
  for (const name of imported) expect(text, name).toMatch(new RegExp(`^${name} \\d`, 'm'));
});

test('what the validators and the addon are made with has, too', () => {
  for (const name of ['ajv', 'esbuild', 'node-addon-api'])
    expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
});

test.each(sections.map((section) => [section.trim().split('\n')[0] ?? '', section]))(
  "%s: the text is the package's own",
  (title, section) => {
    const name = title.replace(/ \d.*/, '');
    const folders = [join(root, 'node_modules', name), ...nestedFolders(name)];
    const texts = folders.filter(existsSync).flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => /^licen[cs]e/i.test(file))
        .map((file) => readFileSync(join(folder, file), 'utf8').trim()),
    );
    const kept = join(root, 'scripts/licence-texts', `${name}.txt`);
    // Kept here for packages only that bring none.
    expect(existsSync(kept)).toBe(texts.length === 0);
    if (existsSync(kept)) texts.push(readFileSync(kept, 'utf8').trim());
    expect(texts.some((one) => section.includes(one))).toBe(true);
    expect(section.length).toBeGreaterThan(500);
  },
);

function nestedFolders(name: string): string[] {
  const top = join(root, 'node_modules');
  return readdirSync(top).map((outer) => join(top, outer, 'node_modules', name));
}

const input = (bytesInOutput: number) => ({ bytesInOutput });

test('packages are found wherever they lie; what was read for nothing has no part', () => {
  const inputs = {
    'src/cli/cpugate.ts': input(10),
    'node_modules/plain/index.js': input(1),
    'node_modules/@scope/name/lib/a.js': input(1),
    'node_modules/outer/node_modules/inner/a.js': input(1),
    '../elsewhere/node_modules/linked/a.js': input(1),
    'node_modules/shaken-off/a.js': input(0),
  };
  const found = bundledPackages([{ outputs: { 'dist/x.cjs': { inputs } } }]);
  for (const folder of [
    'node_modules/plain',
    'node_modules/@scope/name',
    'node_modules/outer/node_modules/inner',
    '../elsewhere/node_modules/linked',
  ])
    expect(found).toContain(folder);
  expect(found).not.toContain('node_modules/shaken-off');
  expect(found).not.toContain('node_modules/outer');
});
