/**
 * All that semver covers, as text: what programs import, the command line, the JSON schemas. Words for
 * people aren't in it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../src/cli/specs/index.js';
import type { CommandSpec, OptionSpec } from '../../src/cli/specs/spec.js';
import { exitStatus, VERDICTS } from '../../src/judge/verdict.js';
import { root } from '../cli/run.js';

const TYPES = join(root, 'dist', 'lib', 'types');

/** Declarations without comments and blank lines. */
function declarations(file: string): string[] {
  const text = readFileSync(join(TYPES, file), 'utf8').replace(/\/\*.*?\*\//gs, '');
  return [`--- ${file}`, ...text.split('\n').filter((line) => line.trim() !== '')];
}

function exported(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.keys(exports).map((path) => `import ${join('cpugate', path)}`);
  const files = (readdirSync(TYPES, { recursive: true }) as string[])
    .filter((file) => file.endsWith('.d.ts'))
    .sort();
  return [...entries, ...files.flatMap(declarations)];
}

function option([name, { alias, type, value, choices, list }]: [string, OptionSpec]): string {
  const parts = [
    type === 'boolean' ? `--${name}` : `--${name} ${value ?? 'VALUE'}`,
    alias === undefined ? '' : `-${alias}`,
    list === true ? 'several' : '',
    choices === undefined ? '' : `one of ${choices.join(' ')}`,
  ];
  return `  ${parts.filter((part) => part !== '').join(', ')}`;
}

function command({ name, positionals, trailing, options }: CommandSpec): string[] {
  const places = positionals.map(({ name: place, required, variadic }) => {
    const shown = `${place.toUpperCase()}${variadic === true ? '...' : ''}`;
    return required === true ? shown : `[${shown}]`;
  });
  const behind = trailing === undefined ? [] : [`-- ${trailing.name}`];
  return [
    ['cpugate', name, ...places, ...behind].join(' '),
    ...Object.entries(options).sort(byName).map(option),
  ];
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly [keyword: string]: unknown;
}

/** A line a property: where it is, what it may be, and "!" where it is always there. */
function shape(schema: Schema, at: string, isRequired: boolean): string[] {
  const { properties = {}, required = [], items, $defs = {}, ...rest } = schema;
  const { $schema: _s, title: _t, description: _d, $comment: _c, examples: _e, ...rules } = rest;
  const said = Object.entries(rules)
    .sort(byName)
    .map(([keyword, value]) => `${keyword}=${JSON.stringify(value)}`);
  return [
    [`  ${at}${isRequired ? '!' : ''}`, ...said].join(' '),
    ...Object.entries(properties)
      .sort(byName)
      .flatMap(([name, one]) => shape(one, `${at}/${name}`, required.includes(name))),
    ...(items === undefined ? [] : shape(items, `${at}[]`, false)),
    ...Object.entries($defs)
      .sort(byName)
      .flatMap(([name, one]) => shape(one, `#${name}`, false)),
  ];
}

function schemas(): string[] {
  const folder = join(root, 'schemas');
  return readdirSync(folder)
    .sort()
    .flatMap((file) => [
      `schemas/${file}`,
      ...shape(JSON.parse(readFileSync(join(folder, file), 'utf8')), '', false),
    ]);
}

export function surface(): string {
  const lines = [
    '# What programs import',
    ...exported(),
    '',
    '# The command line',
    ...COMMANDS.flatMap(command),
    ...VERDICTS.map((verdict) => `exit status ${exitStatus(verdict)}: ${verdict}`),
    '',
    '# JSON',
    ...schemas(),
  ];
  return `${lines.join('\n')}\n`;
}
