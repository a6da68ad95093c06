/**
 * The examples of docs/library.md run as programs of their own against the package as it is published,
 * and print what their comments say ("// → ..."). TypeScript holds them to the types.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../cli/run.js';
import { makeConsumer } from './consumer.js';

interface Example {
  /** Line in the text, from 1. */
  readonly line: number;
  readonly code: string;
  /** Needs the native part, and so this package as it stands. */
  readonly isOfMachine: boolean;
}

function examplesOf(file: string): Example[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^```js( run=machine)?\n(.*?)^```$/gms)].map((found) => ({
    line: text.slice(0, found.index).split('\n').length,
    code: found[2] ?? '',
    isOfMachine: found[1] !== undefined,
  }));
}

function promised(code: string): string {
  return [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, said]) => `${said}\n`).join('');
}

const consumer = makeConsumer();
const HOSTS = { 'web-7': 'Haswell', 'web-8': 'Nehalem', 'web-9': 'Skylake-Server' };
for (const [name, fixture] of Object.entries(HOSTS))
  copyFileSync(
    join(root, 'test', 'fixtures', 'pairs', `${fixture}.json`),
    join(consumer, `${name}.json`),
  );

describe.each(['docs/library.md', 'README.md'])('%s', (file) => {
  const examples = examplesOf(file);

  it('has examples, each of which says something', () => {
    expect(examples.length).toBeGreaterThan(0);
    for (const { code } of examples) expect(promised(code)).not.toBe('');
  });

  it.each(examples)('prints what it says at line $line', ({ line, code, isOfMachine }) => {
    const path = join(consumer, `${file.replaceAll(/\W/g, '-')}-${line}.mjs`);
    // The published package, or this one: only here the native part is.
    writeFileSync(
      path,
      isOfMachine
        ? code.replaceAll(/'cpugate(\/probe)?'/g, (_, probe) => `'${entry(probe)}'`)
        : code,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [path], {
      cwd: consumer,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout).toBe(promised(code));
  });
});

function entry(probe: string | undefined): string {
  return `file://${join(root, 'dist', 'lib', probe === undefined ? 'index.js' : 'probe.js')}`;
}

it('compiles in each example', () => {
  const files = ['docs/library.md', 'README.md'].flatMap((file) =>
    examplesOf(file).map(({ code, line }) => {
      const name = `${file.replaceAll(/\W/g, '-')}-${line}.mts`;
      writeFileSync(join(consumer, name), code);
      return name;
    }),
  );
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    // The examples take what they know to be there.
    strictNullChecks: false,
    useUnknownInCatchVariables: false,
    noEmit: true,
    typeRoots: [join(root, 'node_modules', '@types')],
    types: ['node'],
  };
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', consumer], { encoding: 'utf8' });
  expect(stdout).toBe('');
});
