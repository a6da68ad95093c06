/** What is in the package, and what isn't. */
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { root } from '../cli/run.js';
import { canPrebuild, packedFiles, prebuild } from './package.js';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

describe('the package', () => {
  let files = new Map<string, number>();
  beforeAll(() => {
    if (canPrebuild) prebuild();
    files = new Map(packedFiles().map(({ path, mode }) => [path, mode]));
  }, 300_000);

  test.skipIf(!canPrebuild)('brings its native parts, executable, and their licences', () => {
    expect(files.get('prebuilds/linux-x64/cpugate_probe.node')).toBeDefined();
    for (const name of ['cpugate-supervisor', 'cpugate-probe'])
      expect((files.get(`prebuilds/linux-x64/${name}`) ?? 0) & 0o111, name).toBe(0o111);
    expect(files.has('prebuilds/linux-x64/LICENSES.txt')).toBe(true);
  });

  test('brings all that a build from source reads', () => {
    const gyp = readFileSync(join(root, 'native/binding.gyp'), 'utf8');
    const named = [...gyp.matchAll(/[a-z]+\/[a-z_]+\.(?:cc|map)/g)].map(
      ([path]) => `native/${path}`,
    );
    expect(named.length).toBeGreaterThan(20);
    const included = named
      .filter((path) => path.endsWith('.cc'))
      .flatMap((path) => {
        const source = readFileSync(join(root, path), 'utf8');
        return [...source.matchAll(/^#include "(.*)"$/gm)].map(([, header = '']) =>
          header === 'cpugate_mask.h'
            ? 'native/include/cpugate_mask.h'
            : normalize(join(dirname(path), header)),
        );
      });
    const wanted = [...named, ...included, 'native/binding.gyp', 'scripts/build-native.mjs'];
    expect(wanted.filter((path) => !files.has(path))).toEqual([]);
    expect(files.has('node_modules/node-addon-api/napi.h')).toBe(true);
  });

  test('brings no object file, no test, no script but the one of its installation', () => {
    const paths = [...files.keys()];
    expect(paths.filter((path) => /^native\/build\/|_test\.|^(test|src)\//.test(path))).toEqual([]);
    expect(paths.filter((path) => path.startsWith('scripts/'))).toEqual([
      'scripts/build-native.mjs',
    ]);
  });

  test('runs at its installation only what it brings, with what Node has', () => {
    const { preinstall, install, postinstall } = manifest.scripts;
    expect([preinstall, postinstall]).toEqual([undefined, undefined]);
    expect(install).toBe('node scripts/build-native.mjs --install');
    const script = readFileSync(join(root, 'scripts/build-native.mjs'), 'utf8');
    const imported = [...script.matchAll(/from '(.*)'/g)].map(([, module]) => module);
    expect(imported.filter((module) => !module?.startsWith('node:'))).toEqual([]);
  });

  test('needs nothing that it does not bring', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(manifest.bundleDependencies);
  });

  test('has no link to a file that it does not bring', () => {
    const pages = [...files.keys()].filter((path) => /^(docs\/.*|[^/]*)\.md$/.test(path));
    expect(pages.length).toBeGreaterThan(10);
    const links = pages.flatMap((page) =>
      [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
        ([, target = '']) => ({ page, target: normalize(join(dirname(page), target)) }),
      ),
    );
    expect(links.length).toBeGreaterThan(20);
    const isThere = (target: string) =>
      files.has(target) ||
      [...files.keys()].some((path) => path.startsWith(`${target.replace(/\/$/, '')}/`));
    expect(links.filter(({ target }) => !isThere(target))).toEqual([]);
  });

  test('says where it comes from, and where it goes', () => {
    for (const field of ['repository', 'homepage', 'bugs', 'keywords', 'os', 'cpu', 'license'])
      expect(manifest, field).toHaveProperty(field);
    // Files and models are compared on these, too: npm refuses none.
    expect(manifest.os).toEqual(['linux', 'darwin', 'win32']);
    expect(manifest.cpu).toEqual(['x64', 'arm64']);
  });
});
