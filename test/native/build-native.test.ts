/** The script that npm runs at installation. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

const builtAddon = join(root, 'native/build/Release/cpugate_probe.node');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-build-'));
  mkdirSync(join(folder, 'scripts'));
  mkdirSync(join(folder, 'native'));
  mkdirSync(join(folder, 'bin'));
  cpSync(join(root, 'scripts/build-native.mjs'), join(folder, 'scripts/build-native.mjs'));
  writeFileSync(join(folder, 'native', 'binding.gyp'), '{}');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Programs that exist; the only ones on PATH. */
function addPrograms(...names: readonly string[]) {
  for (const name of names)
    writeFileSync(join(folder, 'bin', name), '#!/bin/sh\necho "$0 $*"; exit 3\n', { mode: 0o755 });
}

function runScript(
  nodeArguments: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
  options: readonly string[] = [],
) {
  const script = join(folder, 'scripts/build-native.mjs');
  return spawnSync(process.execPath, [...nodeArguments, script, ...options], {
    encoding: 'utf8',
    env: { PATH: join(folder, 'bin'), ...environment },
  });
}

function pretend(platform: string, arch: string): string[] {
  const code = `for (const [key, value] of [['platform', '${platform}'], ['arch', '${arch}']])
    Object.defineProperty(process, key, { value });`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}

test.each([
  ['darwin', 'arm64'],
  ['linux', 'arm64'],
])('nothing is built for %s on %s, which is no failure', (platform, arch) => {
  const { status, stdout, stderr } = runScript(pretend(platform, arch));
  expect(status).toBe(0);
  expect(stdout).toMatch(/^cpugate: no native part for .*\n$/);
  expect(stdout).toContain(`${platform} on ${arch}`);
  expect(stderr).toBe('');
  expect(readdirSync(join(folder, 'native'))).toEqual(['binding.gyp']);
});

const onLinux = process.platform === 'linux' && process.arch === 'x64';

describe.skipIf(!onLinux)('on Linux on x86-64', () => {
  test.each([
    [[], 'python3, make, g++'],
    [['python3', 'make'], 'g++'],
    [['python3', 'g++'], 'make'],
    [['make', 'c++'], 'python3'],
  ])('with %j only, one line says what is missing and how to get it', (present, missing) => {
    addPrograms(...present);
    const { status, stdout, stderr } = runScript();
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.match(/\n/g)).toHaveLength(1);
    expect(stderr).toContain(`can't be built without ${missing};`);
    for (const manager of ['apt-get', 'dnf', 'apk']) expect(stderr).toContain(manager);
  });

  test('the node-gyp that npm names is run, and what it prints is shown where it fails', () => {
    addPrograms('python3', 'make', 'g++');
    const named = join(folder, 'named-gyp.cjs');
    writeFileSync(named, 'console.log(process.argv.slice(2).join(" ")); process.exit(7);\n');
    const { status, stderr } = runScript([], { npm_config_node_gyp: named });
    expect(status).toBe(1);
    expect(stderr).toContain(`rebuild -C ${join(folder, 'native')}`);
    expect(stderr).toMatch(/its native part wasn't built/);
  });

  test.skipIf(!existsSync(join(process.execPath, '../../include/node/node_api.h')))(
    "Node's own headers are used; those that npm names go before",
    () => {
      addPrograms('python3', 'make', 'g++');
      const named = join(folder, 'named-gyp.cjs');
      writeFileSync(named, 'console.log(process.argv.slice(2).join(" ")); process.exit(7);\n');
      const asked = { npm_config_node_gyp: named };
      expect(runScript([], asked).stderr).toContain(
        `--nodedir ${join(process.execPath, '../..')}\n`,
      );
      expect(runScript([], { ...asked, npm_config_nodedir: '/x' }).stderr).not.toContain(
        '--nodedir',
      );
    },
  );

  test.each([
    '/usr/bin/ld: cannot find -lc: No such file or directory',
    '/usr/bin/ld: cannot find -lstdc++',
    'ld.lld: error: unable to find library -lm',
  ])('one line names the static libraries where a linker says "%s"', (line) => {
    addPrograms('python3', 'make', 'g++');
    const named = join(folder, 'named-gyp.cjs');
    writeFileSync(named, `console.error(${JSON.stringify(line)}); process.exit(1);\n`);
    const { status, stderr } = runScript([], { npm_config_node_gyp: named });
    expect(status).toBe(1);
    expect(stderr.match(/\n/g)).toHaveLength(1);
    for (const name of ['libc6-dev', 'glibc-static', 'libstdc++-static', 'musl-dev'])
      expect(stderr).toContain(name);
  });

  test('else the one on PATH', () => {
    addPrograms('python3', 'make', 'g++', 'node-gyp');
    const { status, stderr } = runScript();
    expect(status).toBe(1);
    expect(stderr).toContain(`${join(folder, 'bin/node-gyp')} rebuild`);
  });

  /** A prebuilt part that Node can load: the one that was built for these tests. */
  function addPrebuilt(addon: string | undefined = builtAddon) {
    const prebuilt = join(folder, 'prebuilds/linux-x64');
    mkdirSync(prebuilt, { recursive: true });
    for (const name of ['cpugate-supervisor', 'cpugate-probe'])
      writeFileSync(join(prebuilt, name), '', { mode: 0o755 });
    if (addon === builtAddon) cpSync(builtAddon, join(prebuilt, 'cpugate_probe.node'));
    else writeFileSync(join(prebuilt, 'cpugate_probe.node'), addon);
  }

  test('at an installation, nothing is built where the prebuilt parts load', () => {
    addPrebuilt();
    const { status, stdout, stderr } = runScript([], {}, ['--install']);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readdirSync(join(folder, 'native'))).toEqual(['binding.gyp']);
  });

  test.each<[string, string, () => void, NodeJS.ProcessEnv]>([
    ['none came along', 'prebuilds/linux-x64 doesn', () => {}, {}],
    ["the prebuilt one can't be loaded", "doesn't fit: ", () => addPrebuilt('no library'), {}],
    [
      'one from source is asked for',
      'npm_config_build_from_source asks',
      addPrebuilt,
      { npm_config_build_from_source: 'true' },
    ],
    [
      'this one is asked for by name',
      'npm_config_build_from_source asks',
      addPrebuilt,
      { npm_config_build_from_source: 'other,cpugate' },
    ],
    ['this is a checkout', 'a checkout', () => mkdirSync(join(folder, 'src')), {}],
  ])('at an installation, it is built where %s, and an error says so', (_, why, prepare, asked) => {
    prepare();
    const { status, stderr } = runScript([], asked, ['--install']);
    expect(status).toBe(1);
    expect(stderr.match(/\n/g)).toHaveLength(1);
    expect(stderr).toContain("can't be built without python3");
    expect(stderr).toContain(`It is built from source: `);
    expect(stderr).toContain(why);
  });

  test.each(['false', '', 'other'])('npm_config_build_from_source=%s asks for none', (value) => {
    addPrebuilt();
    const asked = { npm_config_build_from_source: value };
    expect(runScript([], asked, ['--install']).status).toBe(0);
  });

  test('a build that succeeds prints nothing', () => {
    addPrograms('python3', 'make', 'g++');
    const named = join(folder, 'named-gyp.cjs');
    writeFileSync(named, 'console.log("noise"); console.error("more");\n');
    const { status, stdout, stderr } = runScript([], { npm_config_node_gyp: named });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
