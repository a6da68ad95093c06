import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findSupervisor } from '../../src/enforce/supervisor.js';
import { InputError } from '../../src/model/errors.js';
import { loadAddon, refuseOtherMachines } from '../../src/probe/addon.js';
import { packageRoot } from '../../src/probe/package-root.js';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-addon-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function thrownBy(action: () => unknown): InputError {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test.each([
  ['darwin', 'arm64'],
  ['linux', 'arm64'],
  ['linux', 'ia32'],
  ['win32', 'x64'],
])('%s on %s is refused, with what works there', (platform, arch) => {
  const error = thrownBy(() => refuseOtherMachines(platform, arch));
  expect(error.code).toBe('no-probe');
  expect(error.message).toContain(`${platform} on ${arch}`);
  expect(error.remedy).toMatch(/Files and named profiles work/);
});

test('Linux on x86-64 is not refused', () => {
  expect(() => refuseOtherMachines('linux', 'x64')).not.toThrow();
});

test('the package is found from sources and from bundles', () => {
  expect(packageRoot(join(root, 'src', 'probe', 'addon.ts'))).toBe(root);
  expect(packageRoot(join(root, 'dist', 'commands', 'probe.cjs'))).toBe(root);
});

const BUILT = 'native/build/Release';
const PREBUILT = 'prebuilds/linux-x64';

/** A package with addons of this content in these folders. */
function fakePackage(addons: Readonly<Record<string, string>> = {}): string {
  writeFileSync(join(folder, 'package.json'), '{"name": "cpugate"}');
  for (const [place, content] of Object.entries(addons)) {
    mkdirSync(join(folder, place), { recursive: true });
    writeFileSync(join(folder, place, 'cpugate_probe.node'), content);
  }
  return join(folder, 'dist', 'commands', 'probe.cjs');
}

test('packages of other names are passed by', () => {
  fakePackage();
  const inner = join(folder, 'dist');
  mkdirSync(inner);
  writeFileSync(join(inner, 'package.json'), '{"name": "other"}');
  expect(packageRoot(join(inner, 'commands', 'probe.cjs'))).toBe(folder);
  expect(packageRoot('/nowhere/at/all')).toBeUndefined();
});

test('no addon: both places where it was looked for, for what, and how to build it', () => {
  const error = thrownBy(() => loadAddon(fakePackage()));
  expect(error.code).toBe('no-probe');
  for (const place of [BUILT, PREBUILT])
    expect(error.message).toContain(`${join(folder, place, 'cpugate_probe.node')} is missing`);
  expect(error.message).toMatch(
    /this is linux on x64 with (glibc \d|a C library that is not glibc)/,
  );
  expect(error.remedy).toContain('npm rebuild cpugate');
});

test('addons that are no libraries: what the loader says of each', () => {
  const error = thrownBy(() => loadAddon(fakePackage({ [BUILT]: 'no', [PREBUILT]: 'neither' })));
  expect(error.code).toBe('no-probe');
  for (const place of [BUILT, PREBUILT])
    expect(error.message).toContain(`${place}/cpugate_probe.node can't be loaded: `);
  expect(error.message).not.toContain('\n');
  expect(error.cause).toBeInstanceOf(Error);
});

describe.skipIf(!existsSync(join(root, BUILT)))('an addon that works', () => {
  const addon = join(root, BUILT, 'cpugate_probe.node');

  test('is taken where it came prebuilt and none was built', () => {
    const from = fakePackage({ [PREBUILT]: '' });
    cpSync(addon, join(folder, PREBUILT, 'cpugate_probe.node'));
    expect(loadAddon(from).probeCpus().length).toBeGreaterThan(0);
  });

  test("is taken where the one that was built can't be loaded", () => {
    const from = fakePackage({ [BUILT]: 'of another C library', [PREBUILT]: '' });
    cpSync(addon, join(folder, PREBUILT, 'cpugate_probe.node'));
    expect(loadAddon(from).probeCpus().length).toBeGreaterThan(0);
  });
});

describe.skipIf(process.platform !== 'linux')('the supervisor', () => {
  test('is found where it came prebuilt; one that was built here goes first', () => {
    const from = fakePackage({ [BUILT]: '', [PREBUILT]: '' });
    for (const place of [PREBUILT, BUILT]) {
      const file = join(folder, place, 'cpugate-supervisor');
      writeFileSync(file, '', { mode: 0o755 });
      expect(findSupervisor(from)).toBe(file);
    }
  });

  test('nowhere: both places, and how to build it', () => {
    const error = thrownBy(() => findSupervisor(fakePackage()));
    expect(error.code).toBe('no-supervisor');
    for (const place of [BUILT, PREBUILT])
      expect(error.message).toContain(`${place}/cpugate-supervisor can't be executed (ENOENT)`);
    expect(error.message).toMatch(/this is linux on x64/);
    expect(error.remedy).toContain('npm rebuild cpugate');
  });
});

test('a file outside the package', () => {
  expect(thrownBy(() => loadAddon('/nowhere/x.cjs')).message).toContain('/nowhere/x.cjs');
});
