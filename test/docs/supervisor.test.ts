/** What ARCHITECTURE.md and docs/masking.md say of the supervisor is what its sources and tests say. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../cli/run.js';
import { TRAP_CASES } from '../vm/masking/trap-cases.js';

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const ARCHITECTURE = read('ARCHITECTURE.md');
const MASKING = read('docs/masking.md');

/** The rows below a table's first one, which begins with `first`. */
function rowsOf(page: string, first: string): readonly (readonly string[])[] {
  const [, behind] = page.split(`\n| ${first} |`);
  if (behind === undefined) throw new Error(`no table begins with "${first}"`);
  const [table = ''] = behind.split('\n\n');
  return table
    .split('\n')
    .slice(2)
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' |')
        .map((cell) => cell.trim()),
    );
}

/** Columns of a comment's table have at least two blanks between them. */
function tableInComment(text: string, first: string): readonly (readonly string[])[] {
  const lines = text.split('\n').map((line) => line.replace(/^ \* {3}/, ''));
  const start = lines.findIndex((line) => line.startsWith(first));
  const end = lines.findIndex((line, place) => place > start && line.trim() === '*');
  return lines.slice(start, end).map((line) => line.trim().split(/ {2,}/));
}

describe('the table of states', () => {
  const header = tableInComment(read('native/supervisor/states.h'), 'event \\ state');
  it('of ARCHITECTURE.md is the one of states.h', () => {
    const [columns = [], ...rows] = header;
    expect(rows.length).toBeGreaterThan(8);
    expect(ARCHITECTURE).toContain(`\n| ${columns.join(' | ')} |\n`);
    expect(rowsOf(ARCHITECTURE, columns.join(' | '))).toEqual(rows);
  });
  it('has each state and each event that can come', () => {
    const source = read('native/supervisor/states.h').replace(/\/\*\*[\s\S]*?\*\//g, '');
    const namesOf = (type: string) => {
      const [, list = ''] = new RegExp(`enum class ${type} \\{([^}]*)\\}`).exec(source) ?? [];
      return [...list.matchAll(/\bk(\w+)/g)].map(([, name = '']) =>
        name.replace(/(?!^)[A-Z]/g, ' $&').toLowerCase(),
      );
    };
    const [[, ...states] = [], ...rows] = header;
    expect(namesOf('State')).toEqual(states);
    // A stop at a system call that nobody asked for goes on.
    expect(namesOf('Event').filter((name) => name !== 'syscall')).toEqual(
      rows.map(([name]) => name),
    );
  });
});

it('the table of files has each file of the supervisor', () => {
  const named = rowsOf(ARCHITECTURE, 'files of `native/supervisor/` | concern').flatMap(
    ([files = '']) => [...files.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  const there = readdirSync(join(root, 'native/supervisor'))
    .map((file) => file.replace(/\.(?:cc|h)$/, ''))
    .filter((name) => !name.endsWith('_test'));
  expect([...named].sort()).toEqual([...new Set(there)].sort());
});

describe('what docs/masking.md calls covered', () => {
  const [, heading = ''] = /^\| (case \|.*\| proof) \|$/m.exec(MASKING) ?? [];
  const covered = rowsOf(MASKING, heading)
    .map((cells) => ({ what: cells[0] ?? '', says: cells.at(-2), proof: cells.at(-1) ?? '' }))
    .filter(({ says }) => says !== 'no');
  const inTable = new Set(TRAP_CASES.map(({ program }) => program));

  function missingIn(proof: string): readonly string[] {
    const names = [...proof.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const files = names.filter((name) => name.startsWith('test/'));
    const text = files
      .filter((file) => existsSync(join(root, file)))
      .map(read)
      .join('\n');
    const programs = names.filter((name) => !files.includes(name));
    // "…" stands for what the test fills in.
    const titles = [...proof.matchAll(/"([^"]+)"/g)].flatMap(([, title = '']) => title.split('…'));
    return [
      ...files.filter((file) => !existsSync(join(root, file))),
      ...programs.filter((name) => !inTable.has(name) && !text.includes(`'${name}'`)),
      ...titles.filter((part) => files.length > 0 && !text.includes(part.trim())),
    ];
  }

  it.each(covered)('is proved: $what', ({ proof }) => {
    expect(proof).not.toBe('');
    expect(missingIn(proof)).toEqual([]);
  });
  it.each([
    ['`sees` (static-pie)', []],
    ['`gone`', ['gone']],
    ['`hostile` in `test/vm/masking-stress.vm.test.ts`', []],
    ['"no such story" in `test/vm/masking/attach-stories.ts`', ['no such story']],
    ['"its supervisor …, it dies" in `test/vm/masking/attach-stories.ts`', []],
    ['"it" in `test/vm/gone.ts`', ['test/vm/gone.ts', 'it']],
  ])('needs what is there: %s', (proof, missing) => expect(missingIn(proof)).toEqual(missing));
  it('has each program of the suite in a row', () => {
    const named = new Set([...MASKING.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect([...inTable].filter((program) => !named.has(program))).toEqual([]);
  });
});
