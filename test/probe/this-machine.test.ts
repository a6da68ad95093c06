/** The probe of the machine that runs the tests, beside what others say of it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { describe, expect, test } from 'vitest';
import { isFeatureName, LEVELS } from '../../src/catalogue/index.js';
import { SYNTHETIC_FLAGS } from '../../src/catalogue/synthetic-flags.js';
import { describeHost } from '../../src/model/capabilities.js';
import { cpuFingerprint } from '../../src/model/group-cpus.js';
import { PRESENT } from '../../src/model/xsave.js';
import { loadAddon } from '../../src/probe/addon.js';
import { probeHost } from '../../src/probe/index.js';
import { compareRows, cpuidIsHere, type RawRow, readCpuidRaw } from './cpuid-raw.js';

const here = process.platform === 'linux' && process.arch === 'x64';

function allowedCpus(): string {
  return (
    /^Cpus_allowed_list:.*$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[0] ?? ''
  );
}

describe.skipIf(!here)('this machine', () => {
  const host = here ? probeHost() : undefined;
  const system = host?.system ?? {};
  const flags = new Set(system.cpuinfoFlags);

  test('says what it is', () => {
    expect(host).toMatchObject({ kind: 'system', format: 'localhost' });
    expect(system.kernel).toBe(release());
    expect(flags.size).toBeGreaterThan(20);
    expect(system.hwcap).toBeTypeOf('bigint');
  });

  test('has the levels that Linux prints, feature by feature', () => {
    const capabilities = host && describeHost(host);
    // Linux never prints osxsave; it turns it on wherever it prints xsave.
    const printed = LEVELS.flatMap((level) => [...level.features]).filter((f) => f !== 'osxsave');
    for (const feature of printed)
      expect(capabilities?.effective(feature) === PRESENT, feature).toBe(flags.has(feature));
  });

  test('has every other flag that Linux takes from CPUID', () => {
    const capabilities = host && describeHost(host);
    const synthetic = new Set<string>(SYNTHETIC_FLAGS.map((flag) => flag.name));
    const lacking = [...flags]
      .filter(isFeatureName)
      .filter((flag) => !synthetic.has(flag) && capabilities?.hardware(flag) !== PRESENT);
    expect(lacking).toEqual([]);
  });

  test('answers alike when asked twice', () => {
    const [one, other] = [probeHost(), probeHost({ faulting: false })];
    expect(one.cpus.map(cpuFingerprint)).toEqual(other.cpus.map(cpuFingerprint));
    expect(one.cpus.map((cpu) => cpu.logical)).toEqual(other.cpus.map((cpu) => cpu.logical));
    expect(one.system?.cpuidFaulting).toEqual(system.cpuidFaulting);
    expect(other.system).not.toHaveProperty('cpuidFaulting');
  });

  test('lets this thread run where it ran before', () => {
    const before = allowedCpus();
    probeHost();
    expect(before).not.toBe('');
    expect(allowedCpus()).toBe(before);
  });

  test('keeps no child', () => {
    probeHost();
    expect(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')).toBe('');
  });

  test.skipIf(!cpuidIsHere)('gives the rows that cpuid -r gives', () => {
    const theirs = readCpuidRaw(execFileSync('cpuid', ['-r'], { encoding: 'utf8' }));
    for (const { cpu, leaves } of loadAddon().probeCpus()) {
      const rows: RawRow[] = [];
      for (let at = 0; at < leaves.length; at += 6)
        rows.push([...leaves.subarray(at, at + 6)] as unknown as RawRow);
      expect(theirs.get(cpu)?.length).toBeGreaterThan(10);
      expect(compareRows(rows, theirs.get(cpu) ?? [])).toEqual([]);
    }
  });
});
