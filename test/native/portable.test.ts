/** Built native parts run where they weren't built. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ALLOWED, readElf, whyNotPortable } from '../../scripts/portable.mjs';
import { loadAddon } from '../../src/probe/addon.js';
import { root } from '../cli/run.js';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const release = join(root, 'native/build/Release');
const MUSL = ['/lib/ld-musl-x86_64.so.1', '/usr/lib/x86_64-linux-musl/libc.so'].find(existsSync);
const GLIBC = ['/lib/x86_64-linux-gnu/libc.so.6', '/lib64/libc.so.6'].find(existsSync);

describe.skipIf(!onLinux)('native parts', () => {
  const addon = readFileSync(join(release, 'cpugate_probe.node'));
  const supervisor = readFileSync(join(release, 'cpugate-supervisor'));

  test('need no library by name, no symbol by version, no unknown function', () => {
    expect(whyNotPortable({ addon, supervisor })).toEqual([]);
    expect(readElf(addon).wanted).toContain('pthread_create');
    expect(readElf(addon).defined).toContain('napi_register_module_v1');
  });

  test.each([
    ["an addon that isn't", { addon: readFileSync(process.execPath), supervisor }],
    ["a supervisor that isn't", { addon, supervisor: addon }],
  ])('%s is told', (_, parts) => {
    expect(whyNotPortable(parts).length).toBeGreaterThan(0);
  });

  test('an addon of the usual kind is told: what it needs, one by one', () => {
    const reasons = whyNotPortable({ addon: readFileSync(GLIBC ?? process.execPath), supervisor });
    expect(reasons.join('\n')).toMatch(/needs versions of symbols|needs ld-linux/);
  });

  test.each([['glibc', GLIBC] as const, ['musl', MUSL] as const].filter(([, file]) => file))(
    '%s has every function that the addon may call',
    (_, file) => {
      // musl's newest has no function of this kind that its oldest lacks; this one is here.
      const defined = new Set(readElf(readFileSync(file ?? '')).defined);
      expect([...ALLOWED].filter((name) => !defined.has(name))).toEqual([]);
    },
  );

  test('answer here', () => {
    expect(loadAddon().probeCpus().length).toBeGreaterThan(0);
  });
});
