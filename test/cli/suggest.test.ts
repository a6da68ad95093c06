/** A word that is nearly right is answered with the right one, wherever a word is one of a list. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import validateExplain from '../../src/generated/explain-report.js';
import { nearestNames, suggest } from '../../src/model/suggest.js';
import { cpugate, isPlainFailure } from './run.js';

describe('the nearest word', () => {
  const words = ['check', 'show', 'run', 'matrix', 'baseline', 'rr', 'nfd'];
  const near = (typed: string) =>
    nearestNames(
      typed,
      words.map((word) => [word, word] as const),
    );
  it.each([
    ['two letters that changed places', 'shwo', ['show']],
    ['in a word of three', 'rnu', ['run']],
    ['a letter that is missing', 'chck', ['check']],
    ['a letter too many', 'checkk', ['check']],
    ['another letter', 'metrix', ['matrix']],
    ['the beginning of a word', 'base', ['baseline']],
    ['the end of a word', 'line', ['baseline']],
    ['capitals and hyphens', 'Base-Line', ['baseline']],
    ['another word', 'frobnicate', []],
    ['another short word', 'xx', []],
    ['nothing', '', []],
    ['a very long one', 'x'.repeat(100_000), []],
  ])('for %s', (_, typed, expected) => {
    expect(near(typed)).toEqual(expected);
  });
  it('is all of those that are equally near, and names what a spelling stands for', () => {
    expect(
      nearestNames('lzcn', [
        ['abm', 'abm'],
        ['lzcnt', 'abm'],
        ['tzcnt', 'bmi1'],
      ]),
    ).toEqual(['lzcnt (abm)']);
    expect(suggest('v5', ['v1', 'v2', 'x'], 'No.')).toBe('Did you mean v1 or v2?');
    expect(suggest('frobnicate', ['v1'], 'No.')).toBe('No.');
  });
});

describe('on the command line', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-suggest-'));
    symlinkSync('loop', join(folder, 'loop'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each<[string, readonly string[], string]>([
    ['a command', ['shwo'], 'Did you mean show?'],
    ['a command to be explained', ['help', 'chekc'], 'Did you mean check?'],
    ['a command with --help', ['chekc', '--help'], 'Did you mean check?'],
    ['an option', ['show', '--jsn', 'haswell'], 'Did you mean --json?'],
    ['an option of another', ['check', '--form', 'haswell'], 'Did you mean --from or --for?'],
    ['help', ['check', '--hlep'], 'Did you mean --help?'],
    ['the version', ['--verion'], 'Did you mean --version?'],
    ['help of all', ['--hepl'], 'Did you mean --help?'],
    ['an option before its command', ['--json', 'show', 'haswell'], 'behind it: cpugate COMMAND'],
    ['a model', ['check', 'haswel', 'haswell'], 'Did you mean haswell?'],
    ['an alias', ['show', 'broadwell-dx'], 'Did you mean broadwell'],
    ['localhost', ['show', 'localhots'], 'Did you mean localhost?'],
    ['a model among many', ['matrix', 'haswell', 'skylake-so'], 'skylake-so'],
    ['a target', ['export', 'haswell', '--for', 'qem'], 'Did you mean qemu?'],
    ['a level', ['baseline', 'haswell', '--require', 'x86-64-v5'], 'Did you mean x86-64-v1,'],
    ['a feature', ['explain', 'avx513f'], 'Did you mean avx512f?'],
    ["another project's name", ['explain', 'lzcn'], 'Did you mean lzcnt (abm)?'],
    ["a finding's code", ['explain', 'xsave-area-grow'], 'Did you mean xsave-area-grows?'],
    ['what is masked', ['baseline', 'haswell', '--without', 'avx3'], 'Did you mean avx'],
    ['what is allowed', ['check', 'haswell', 'haswell', '--allow', 'avx512g'], 'avx512f'],
    ['a state component', ['check', 'haswell', 'haswell', '--allow', 'xsave-are'], 'xsave-area?'],
    ['a mode', ['check', 'haswell', 'haswell', '--mode', 'protable'], 'Did you mean portable?'],
    ['a verdict', ['check', 'haswell', 'haswell', '--fail-on', 'risk'], 'Did you mean at-risk?'],
    ['a format', ['convert', 'haswell', '--to', 'cpuidraw'], 'Did you mean cpuid-raw?'],
    ['a hook', ['hook', 'crui'], 'Did you mean criu?'],
    ['a shell', ['completion', 'bahs'], 'Did you mean bash?'],
  ])('%s', (_, args, says) => {
    const outcome = cpugate(args);
    expect(isPlainFailure(outcome), outcome.err + outcome.out).toBe(true);
    expect(outcome.err).toContain(says);
  });

  it.each(['./haswel', 'haswel.json', '/nowhere/haswell'])('%s is a file, not a model', (name) => {
    const { err } = cpugate(['show', name]);
    expect(err).toBe(`cpugate: ${name}: no such file\n`);
  });

  it.each<[string, (wrong: string) => string[]]>([
    ['show', (wrong) => ['show', wrong]],
    ['check', (wrong) => ['check', wrong, 'haswell']],
    ['check --from', (wrong) => ['check', '--from', 'haswell', '--to', wrong]],
    ['check --mask', (wrong) => ['check', 'haswell', 'haswell', '--mask', wrong]],
    ['baseline', (wrong) => ['baseline', wrong]],
    ['matrix', (wrong) => ['matrix', wrong]],
    ['export', (wrong) => ['export', wrong, '--for', 'nfd']],
    ['explain --why', (wrong) => ['explain', '--why', 'avx', wrong]],
    ['run --mask', (wrong) => ['run', '--mask', wrong, '--', 'true']],
    [
      'dump --mask',
      (wrong) => ['dump', '--images', folder, '--mask', wrong, '--', '--tree', `${process.pid}`],
    ],
    ['restore --images', (wrong) => ['restore', '--images', wrong]],
  ])('a path that the system refuses is no bug: %s', (_, args) => {
    for (const wrong of [join(folder, 'loop'), join(folder, 'n'.repeat(300)), '/etc/passwd/x']) {
      const outcome = cpugate(args(wrong));
      expect(isPlainFailure(outcome), outcome.err).toBe(true);
      expect(outcome.err).toContain(wrong.slice(0, 150));
    }
  });
});

describe('explain', () => {
  it("gives a finding's code as JSON of its schema", () => {
    const report = JSON.parse(cpugate(['explain', 'xsave-area-grows', '--json']).out);
    expect(validateExplain(report), JSON.stringify(validateExplain.errors)).toBe(true);
    expect(report).toMatchObject({
      code: 'xsave-area-grows',
      from: 'hosts',
      severities: { portable: ['blocker', 'unknown', 'risk'], instructions: ['info'] },
    });
    expect(validateExplain({ ...report, severities: {} })).toBe(false);
  });
  it('tells people when it is found, what it means and what to do', () => {
    const { out } = cpugate(['explain', 'xsave-area-grows']);
    for (const part of [
      'When ',
      'Meaning ',
      'What to do ',
      'Severity by mode',
      'instructions  info',
    ])
      expect(out).toContain(part);
  });
  it('takes one code', () => {
    expect(cpugate(['explain', 'state-missing', 'x.json']).err).toContain('one argument too many');
  });
  it('understands feature and baseline in either order', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cpugate-explain-'));
    const cluster = join(folder, 'cluster.json');
    expect(cpugate(['baseline', 'haswell', 'skylake-sp', '-o', cluster]).status).toBe(0);
    const straight = cpugate(['explain', '--why', 'avx512f', cluster]);
    expect(straight.status).toBe(0);
    expect(cpugate(['explain', '--why', cluster, 'avx512f'])).toEqual(straight);
    expect(cpugate(['explain', cluster, 'avx512f']).err).toContain('explain --why avx512f');
    expect(cpugate(['explain', '--why', cluster]).err).toContain('which feature');
    rmSync(folder, { recursive: true, force: true });
  });
});
