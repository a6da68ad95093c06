/** What the docs name is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts;

const PAGES = ['.', 'docs'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`)),
);

/** As GitHub names headings. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What is wrong with a page's links within the repository. */
function deadLinks(page: string, text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    });
}

describe('links', () => {
  it.each(PAGES)('of %s lead somewhere', (page) => expect(deadLinks(page, read(page))).toEqual([]));

  it('that lead nowhere are found', () =>
    expect(
      deadLinks('docs/x.md', '[a](gone.md) [b](../README.md#gone) [c](#gone) [d](https://x.org/y)'),
    ).toEqual(['gone.md', '../README.md#gone', '#gone']));
});

const FOLDERS = /^(?:src|native|test|schemas|scripts|docs|cpu-profiles|dist|\.ci)\//;
const marked = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name);
const isPath = (name: string) => FOLDERS.test(name) || /^[\w-]+\.(?:md|json)$/.test(name);

/** NAME stands for what the reader adds: the folder has to be there. */
function isThere(path: string): boolean {
  return existsSync(join(root, path.includes('NAME') ? dirname(path) : path));
}

/** A list's item, a table's row or a paragraph: the names in it are of the files in it. */
function blocksOf(text: string): readonly string[] {
  return text
    .replace(/^```.*?^```$/gms, '')
    .split(/\n\n|\n(?=\|)|\n(?=\d+\. )|\n(?=- )/)
    .filter((block) => block.trim() !== '');
}

/** "judge()", "Supervisor::onTrap()", "RULES", "Format": functions, constants and types. */
function codeNames(block: string): readonly string[] {
  return marked(block).flatMap((name) => {
    const called = /^((?:\w+::)?\w+)\(\)$/.exec(name)?.[1];
    if (called !== undefined) return [called];
    return /^(?:[A-Z][A-Z0-9]*_[A-Z0-9_]+|[A-Z]{5,}|[A-Z][a-z]\w*)$/.test(name) ? [name] : [];
  });
}

function namelessIn(block: string): readonly string[] {
  const files = marked(block).filter(
    (name) => isPath(name) && /\.\w+$/.test(name) && !name.includes('NAME'),
  );
  const code = files.filter(isThere).map(read).join('\n');
  return codeNames(block).filter((name) => !new RegExp(`(?<![\\w:])${name}\\b`).test(code));
}

describe.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s', (page) => {
  const text = read(page);
  it('names files that are there', () =>
    expect(marked(text).filter((name) => isPath(name) && !isThere(name))).toEqual([]));

  it('names functions, constants and types of the files beside them', () =>
    expect(blocksOf(text).flatMap(namelessIn)).toEqual([]));

  it('names npm scripts that are there', () => {
    const named = [...text.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => name !== 'ci' && !(name in scripts))).toEqual([]);
  });
});

describe('what the docs name and is not there', () => {
  it.each([
    ['`judge()` of `src/judge/verdict.ts`', []],
    ['`judged()` of `src/judge/verdict.ts`', ['judged']],
    ['`VERDICTS` and `RULES_GONE` of `src/judge/verdict.ts`', ['RULES_GONE']],
    ['`Verdict` and `Verdicts` of `src/judge/verdict.ts`', ['Verdicts']],
    ['`Gone::judge()` of `src/judge/verdict.ts`', ['Gone::judge']],
    ['`judge()` in no file', ['judge']],
  ])('is found: %s', (block, missing) => expect(namelessIn(block)).toEqual(missing));
});
