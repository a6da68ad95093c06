import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CONVERT_TARGETS } from '../../src/cli/specs/convert.js';
import { openInput } from '../../src/formats/format.js';
import { findFormat, readHost } from '../../src/formats/index.js';
import { namedProfile } from '../../src/formats/named-profile.js';
import { OTHERS } from '../../src/formats/others.js';
import { profile } from '../../src/formats/profile.js';
import { describeHost } from '../../src/model/capabilities.js';
import { dumpText } from './dump-text.js';
import { type FixtureName, failureOf, fixtureBytes, readText } from './fixture.js';

const ALL = [profile, namedProfile, ...OTHERS];

const CPUID =
  'CPU 0:\n   0x00000000 0x00: eax=0x00000001 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n   0x00000001 0x00: eax=0x000306c3 ebx=0x00000800 ecx=0x00000000 edx=0x00000001\n';

describe('a format is found by the content', () => {
  it.each<[FixtureName, string]>([
    ['profile', 'profile'],
    ['maxProfile', 'profile'],
    ['cpudata', 'libvirt-cpudata'],
    ['firecracker', 'firecracker'],
    ['vzcpuidctl', 'vzcpuidctl'],
    ['qemuStatic', 'qemu-expansion'],
    ['qemuSession', 'qemu-expansion'],
    ['capabilities', 'libvirt-cpu'],
    ['domcapabilities', 'libvirt-cpu'],
    ['domain', 'libvirt-cpu'],
    ['crit', 'crit-json'],
    ['node', 'kubernetes-node'],
    ['nodes', 'kubernetes-node'],
  ])('%s as %s, by that one alone', (fixture, name) => {
    const input = openInput('x', fixtureBytes(fixture));
    expect(ALL.filter((format) => format.recognise(input)).map((format) => format.name)).toEqual([
      name,
    ]);
  });

  it.each([
    ['haswell-guest-2-cpus.cpuid-r', 'cpuid-raw'],
    ['haswell-guest-2-cpus.cpuinfo', 'proc-cpuinfo'],
    ['haswell-guest-2-cpus.lscpu', 'lscpu'],
    ['epyc-milan-guest.lscpu-terminal', 'lscpu'],
    ['skylake-server-guest.lscpu-J', 'lscpu'],
    ['emerald-rapids.ld-diagnostics', 'ld-diagnostics'],
  ])('%s as %s, by that one alone', (dump, name) => {
    const input = openInput('x', Buffer.from(dumpText(dump), 'latin1'));
    expect(ALL.filter((format) => format.recognise(input)).map((format) => format.name)).toEqual([
      name,
    ]);
  });

  it('whatever the file is called', async () => {
    const bytes = fixtureBytes('cpudata');
    for (const name of ['host.json', '-', '', 'x'.repeat(5000)])
      expect((await readHost(name, bytes)).name).toBe(name);
  });

  it('text dumps too', async () => {
    expect((await readText(CPUID)).format).toBe('cpuid-raw');
  });

  it('and one guest is one CPU in all of them', async () => {
    const names: readonly FixtureName[] = ['profile', 'cpudata', 'firecracker', 'vzcpuidctl'];
    const hosts = await Promise.all(
      names.map(async (name) => describeHost(await readHost(name, fixtureBytes(name)))),
    );
    for (const host of hosts) {
      expect(host.vendor).toBe('GenuineIntel');
      expect(host.signature).toEqual({ family: 6, model: 85, stepping: 4 });
      expect(host.brand).toBe('Intel Xeon Processor (Skylake)');
      expect(host.xsave.components.map(({ bit }) => bit)).toEqual([0, 1, 2, 9]);
    }
  });
});

describe('what is of no format', () => {
  it('says what was looked for', async () => {
    const error = await failureOf('To be or not to be');
    expect(error.code).toBe('unknown-format');
    for (const { title } of ALL) expect(error.remedy).toContain(title);
  });

  it.each([
    ['nothing', '', 'unknown-format', 'is empty'],
    ['blanks', ' \n\t', 'unknown-format', 'has no format that cpugate can read'],
    ['JSON of another kind', '{"a":1}', 'unknown-format', 'has no format that cpugate can read'],
    ['a list', '[1]', 'unknown-format', 'has no format that cpugate can read'],
    [
      'a broken object',
      '{\n "a": 1,\n}',
      'malformed',
      'is not valid JSON: expected a name in double quotes at line 3, column 1',
    ],
    [
      'two objects',
      '{"a":1}\n{"b":2}',
      'malformed',
      'is not valid JSON: something follows after its end at line 2, column 1',
    ],
  ])('%s', async (_, text, code, message) => {
    const error = await failureOf(text);
    expect([error.code, error.message]).toEqual([code, message]);
    expect(error.place.file).toBe('input');
  });

  it.each([
    ['UTF-16', Uint8Array.from(Buffer.from('\ufeff{"kind":"cpugate-host-profile"}', 'utf16le'))],
    ['zeros', new Uint8Array(100_000)],
    ['a picture', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
    ['compressed text', Uint8Array.from([0x1f, 0x8b, 0x08, 0x00])],
  ])('%s', async (_, bytes) => {
    expect((await failureOf(bytes)).code).toMatch(/unknown-format|malformed/);
  });
});

describe('names of formats', () => {
  it('are each given once', () => {
    expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
    expect(new Set(ALL.map(({ title }) => title)).size).toBe(ALL.length);
  });

  it('find the format', async () => {
    for (const format of ALL) expect(await findFormat(format.name)).toBe(format);
    expect(await findFormat('__proto__')).toBeUndefined();
  });

  it('that can be written are those that "convert" offers', () => {
    const writable = ALL.filter(({ write }) => write !== undefined).map(({ name }) => name);
    expect(writable.sort()).toEqual([...CONVERT_TARGETS].sort());
  });
});

const bundle = fileURLToPath(new URL('../../dist/cpugate.cjs', import.meta.url));

describe.skipIf(!existsSync(bundle))('the built program', () => {
  it("loads no other tool's format to read its own", () => {
    const path = fileURLToPath(
      new URL('../fixtures/profiles/skylake-server-guest.json', import.meta.url),
    );
    const script = `
      process.argv = [process.argv[0], ${JSON.stringify(bundle)}, 'check', '--from', ${JSON.stringify(path)}, '--to', ${JSON.stringify(path)}];
      process.on('exit', () => process.stderr.write(Object.keys(require.cache).join('\\n')));
      require(${JSON.stringify(bundle)});`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    expect(stdout).toMatch(/compatible/);
    expect(stderr).toContain('cpugate.cjs');
    expect(stderr).not.toContain('other-formats');
  });
});
