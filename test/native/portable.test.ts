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
  const programs = {
    supervisor: readFileSync(join(release, 'cpugate-supervisor')),
    probe: readFileSync(join(release, 'cpugate-probe')),
  };

  test('need no library by name, no symbol by version, no unknown function', () => {
    expect(whyNotPortable({ addon, programs })).toEqual([]);
    expect(readElf(addon).wanted).toContain('pthread_create');
    expect(readElf(addon).defined.map(({ name }) => name)).toContain('napi_register_module_v1');
  });

  test.each([
    ["an addon that isn't", { addon: readFileSync(process.execPath), programs }],
    ["a supervisor that isn't", { addon, programs: { ...programs, supervisor: addon } }],
    ["a probe that isn't", { addon, programs: { ...programs, probe: addon } }],
  ])('%s is told', (_, parts) => {
    expect(whyNotPortable(parts).length).toBeGreaterThan(0);
  });

  test('an addon of the usual kind is told: what it needs, one by one', () => {
    const reasons = whyNotPortable({ addon: readFileSync(GLIBC ?? process.execPath), programs });
    expect(reasons.join('\n')).toMatch(/needs versions of symbols|needs ld-linux/);
  });

  test.skipIf(GLIBC === undefined)(
    'call what glibc 2.28 had, as the versions in this one tell',
    () => {
      const oldest = new Map<string, number>();
      // Until 2.33 threads had a library of their own.
      const files = [GLIBC ?? '', join(GLIBC ?? '', '..', 'libpthread.so.0')].filter(existsSync);
      for (const { name, version } of files.flatMap(
        (file) => readElf(readFileSync(file)).defined,
      )) {
        const minor = Number(/^GLIBC_2\.(\d+)/.exec(version ?? '')?.[1]);
        oldest.set(name, Math.min(minor, oldest.get(name) ?? Number.POSITIVE_INFINITY));
      }
      expect([oldest.get('malloc'), oldest.get('gettid')]).toEqual([2, 30]);
      const tooYoung = [...ALLOWED].filter((name) => !((oldest.get(name) ?? Number.NaN) <= 28));
      expect(tooYoung).toEqual([]);
    },
  );

  test.skipIf(MUSL === undefined)('call what musl has', () => {
    const defined = new Set(readElf(readFileSync(MUSL ?? '')).defined.map(({ name }) => name));
    expect([...ALLOWED].filter((name) => !defined.has(name))).toEqual([]);
  });

  test('include a probe that is small enough to be sent to every host', () => {
    expect(programs.probe.length).toBeLessThan(1 << 20);
  });

  test('answer here', () => {
    expect(loadAddon().probeCpus().length).toBeGreaterThan(0);
  });
});
