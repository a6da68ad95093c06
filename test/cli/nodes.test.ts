/** The program under other versions of Node than the one that built it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findNodes, OLDEST } from './nodes.js';
import { program } from './run.js';

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-nodes-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function runUnder(node: string, args: readonly string[], env: Record<string, string> = {}) {
  const { status, signal, stdout, stderr } = spawnSync(node, args, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return { status, signal, stdout, stderr };
}

const COMMANDS = [
  ['--help'],
  ['check', 'haswell', 'skylake-sp'],
  ['explain', 'avx2', '--json'],
  ['check', 'nothing-here', 'haswell'],
];

describe('another version of Node', () => {
  const nodes = findNodes();
  it.skipIf(nodes.length === 0).each(nodes)('%s says the same', (_, node) => {
    const home = temporary();
    for (const args of COMMANDS) {
      const expected = runUnder(process.execPath, [program, ...args]);
      // Twice: once without, once with what the first start has kept.
      for (let turn = 0; turn < 2; turn++)
        expect(runUnder(node, [program, ...args], { HOME: home })).toEqual(expected);
    }
  });
  it.skipIf(nodes.length > 0)('is at hand (npm run test:nodes fetches some)', (context) =>
    context.skip(),
  );
});

describe('a Node that is too old', () => {
  it.each(['0.10.48', '18.20.8', '20.18.3'])('%s is refused in one line', (version) => {
    const faked = join(temporary(), 'faked.cjs');
    writeFileSync(
      faked,
      `Object.defineProperty(process, 'versions', { value: { node: '${version}' } });`,
    );
    const { status, stdout, stderr } = runUnder(process.execPath, ['-r', faked, program, 'show']);
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: `cpugate: Node ${version} is too old: cpugate needs Node ${OLDEST.join('.')} or newer\n`,
    });
  });
  it('can parse the file that refuses it', () => {
    // What came with ES2015 and later; Node 0.10 knows none of it.
    const text = readFileSync(program, 'utf8').replace(/'[^'\n]*'/g, "''");
    expect(text).not.toMatch(/=>|`|\b(const|let|class|async|await|import)\b|\?\.|\?\?|\.\.\./);
  });
  it.each(['20.19.0', '22.0.0', '100.0.0'])('is not %s', (version) => {
    const faked = join(temporary(), 'faked.cjs');
    writeFileSync(
      faked,
      `const { versions } = process;
       Object.defineProperty(process, 'versions', { value: { ...versions, node: '${version}' } });`,
    );
    const { status, stderr } = runUnder(process.execPath, ['-r', faked, program, '--version']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
