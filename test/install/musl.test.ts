/**
 * The prebuilt parts under musl. No Node for musl is on npm, but a Bun is, which has the same
 * interface for addons; it wants a libstdc++ for musl, which Debian doesn't have and which is linked
 * here from Debian's archive. The test wants musl-gcc and the network, once.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readElf } from '../../scripts/portable.mjs';
import { cpugate, root } from '../cli/run.js';
import { canPrebuild, cpusOf, prebuild } from './package.js';

const BUN = '@oven/bun-linux-x64-musl-baseline';
const KEPT = '/var/tmp/cpugate-bun-musl';
const bun = join(KEPT, 'node_modules', BUN, 'bin/bun');
const LOADER = '/lib/ld-musl-x86_64.so.1';
const LIMIT_MS = 300_000;

function hasMusl(): boolean {
  if (!canPrebuild || !existsSync(LOADER)) return false;
  if (spawnSync('musl-gcc', ['--version']).status !== 0) return false;
  if (existsSync(bun)) return true;
  mkdirSync(KEPT, { recursive: true });
  // --force: npm passes by packages for another C library.
  const args = [
    'install',
    '--force',
    '--no-audit',
    '--no-fund',
    '--fetch-retries=0',
    '--prefix',
    KEPT,
    `${BUN}@1.4.5`,
  ];
  return spawnSync('npm', args, { stdio: 'ignore', timeout: LIMIT_MS }).status === 0;
}

const folder = mkdtempSync(join(tmpdir(), 'cpugate-musl-'));
const library = join(folder, 'libstdc++.so.6');

/** Bun's C++ library, with just the symbols that it wants. */
function linkLibrary(): void {
  const object = join(folder, 'musl-cxx.o');
  const source = fileURLToPath(new URL('musl-cxx.c', import.meta.url));
  execFileSync('musl-gcc', ['-c', '-fPIC', '-O1', source, '-o', object]);
  const archive = execFileSync('g++', ['-print-file-name=libstdc++.a'], { encoding: 'utf8' });
  const archives = ['libstdc++.a', 'libgcc_eh.a', 'libgcc.a'].map((name) =>
    join(dirname(archive), name),
  );
  const { wanted } = readElf(readFileSync(bun));
  const symbols = wanted.filter((name) => /^(_Z|__cxa|__gxx|__dyn|__once|_Unwind)/.test(name));
  const weak = '_ZTVN10__cxxabiv121__vmi_class_type_infoE';
  execFileSync('ld', [
    ...['-shared', '-soname', 'libstdc++.so.6', '-o', library],
    ...[...symbols, weak].flatMap((name) => ['-u', name]),
    ...[object, '--start-group', ...archives, '--end-group'],
  ]);
}

/** The package without what was built here: dist/ and prebuilds/ as they are packed. */
const installed = join(folder, 'cpugate');

function runBun(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(bun, args, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LD_LIBRARY_PATH: folder },
  });
  return { status, out: stdout, err: stderr };
}

const isHere = hasMusl();
beforeAll(() => {
  if (!isHere) return;
  prebuild();
  linkLibrary();
  for (const part of ['dist', 'prebuilds', 'cpu-profiles', 'schemas', 'package.json'])
    cpSync(join(root, part), join(installed, part), { recursive: true });
}, LIMIT_MS);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!isHere)('under musl', () => {
  test('the addon loads, and knows that this is no glibc', () => {
    const file = join(installed, 'prebuilds/linux-x64/cpugate_probe.node');
    const code = `const addon = require(${JSON.stringify(file)});
      console.log(JSON.stringify([addon.glibcVersion() ?? 'none', addon.probeCpus().length]));`;
    const { status, out, err } = runBun('-e', code);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(JSON.parse(out)).toEqual(['none', loadedCpus()]);
  });

  test('a probe says what one under glibc says of the CPUs', () => {
    const { status, out } = runBun(join(installed, 'dist/cpugate.cjs'), 'probe');
    expect(status).toBe(0);
    expect(cpusOf(out)).toEqual(cpusOf(cpugate(['probe']).out));
    expect(JSON.parse(out).system).not.toHaveProperty('glibc');
  });
});

function loadedCpus(): number {
  const { cpus } = JSON.parse(cpugate(['show', 'localhost', '--json']).out);
  return typeof cpus === 'number' ? cpus : cpus.length;
}
