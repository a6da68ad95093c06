import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
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

/** A package with an addon of this content; undefined: not built. */
function fakePackage(addon?: string): string {
  writeFileSync(join(folder, 'package.json'), '{"name": "cpugate"}');
  const release = join(folder, 'native', 'build', 'Release');
  mkdirSync(release, { recursive: true });
  if (addon !== undefined) writeFileSync(join(release, 'cpugate_probe.node'), addon);
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

test('an addon that was not built: where it was looked for, and how to build it', () => {
  const error = thrownBy(() => loadAddon(fakePackage()));
  expect(error.code).toBe('no-probe');
  expect(error.message).toContain(join(folder, 'native/build/Release/cpugate_probe.node'));
  expect(error.remedy).toContain('npm rebuild cpugate');
});

test('an addon that is no library: what the loader says', () => {
  const error = thrownBy(() => loadAddon(fakePackage('not a library')));
  expect(error.code).toBe('no-probe');
  expect(error.message).toMatch(/cpugate_probe\.node can't be loaded: ./);
  expect(error.message).not.toContain('\n');
  expect(error.cause).toBeInstanceOf(Error);
});

test('a file outside the package', () => {
  expect(thrownBy(() => loadAddon('/nowhere/x.cjs')).message).toContain('/nowhere/x.cjs');
});
