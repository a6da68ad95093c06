import { describe, expect, it } from 'vitest';
import { type FeatureName, featureRow, ROWS } from '../../src/catalogue/index.js';
import { GIVEN_TO_GUESTS } from '../../src/catalogue/kvm-features.js';
import { modelKernelFeatures } from '../../src/catalogue/model-kernel-features.js';
import { QEMU_MODELS } from '../../src/catalogue/qemu-models.js';
import { compareHosts } from '../../src/judge/compare.js';
import { described } from '../../src/model/capabilities.js';
import { rowsFromFeatures } from '../../src/model/from-features.js';
import { isUserVisible } from '../../src/model/prerequisites.js';
import { cpugate } from '../cli/run.js';
import { corpusHosts, corpusIsHere } from '../export/examples.js';
import { HASWELL, type HostPlan, hostOf } from '../hosts.js';
import { hostOf as profileOf } from '../profiles/load.js';

/** Tells of every feature, those of kernels as well. */
function host(features: readonly FeatureName[], plan: Partial<HostPlan> = {}) {
  const all: FeatureName[] = [...features, 'osxsave'];
  const leaves = rowsFromFeatures(new Set(all), (row) => !isUserVisible(row.name));
  return described(hostOf({ ...HASWELL, ...plan, features: all.filter(isUserVisible), leaves }));
}

const FULL: readonly FeatureName[] = [
  ...(QEMU_MODELS.find(({ name }) => name === 'Haswell-v4')?.features ?? []),
  ...modelKernelFeatures('Haswell-v4'),
];
const without = (...lost: readonly FeatureName[]) => FULL.filter((name) => !lost.includes(name));
const ask = (from: ReturnType<typeof host>, to: ReturnType<typeof host>) =>
  compareHosts(from, to, { isMachine: true });
const about = (report: ReturnType<typeof ask>, code: string) =>
  report.findings.filter((one) => one.code === code).map(({ feature }) => feature);

describe('a virtual machine with the CPU of its host', () => {
  it.each<[string, FeatureName]>([
    ['an instruction', 'avx2'],
    ['a hint', 'erms'],
    ['a mitigation', 'spec_ctrl'],
    ['what page tables use', 'pcid'],
    ['what keeps kernels from user memory', 'smep'],
  ])('does not start where %s is missing', (_, lost) => {
    const report = ask(host(FULL), host(without(lost)));
    expect([report.verdict, about(report, 'machine-feature-missing')]).toEqual([
      'incompatible',
      [lost],
    ]);
    // The other way nothing is in its way.
    expect(ask(host(without(lost)), host(FULL)).verdict).toBe('compatible');
  });
  it.each<[string, FeatureName]>([
    ['KVM emulates', 'x2apic'],
    ['KVM emulates', 'tsc_deadline_timer'],
    ['no guest gets', 'monitor'],
    ['no guest gets', 'est'],
    ['depends on the kernel', 'vmx'],
  ])('starts without what %s: %s', (_, lost) => {
    const all = [...FULL, lost];
    const report = ask(host(all), host(all.filter((name) => name !== lost)));
    expect([report.verdict, about(report, 'machine-feature-missing')]).toEqual(['compatible', []]);
  });
  it('is refused by another vendor', () => {
    const report = ask(host(FULL), host(FULL, { vendor: 'AuthenticAMD' }));
    expect([report.verdict, about(report, 'machine-vendor-differs')]).toEqual([
      'incompatible',
      [undefined],
    ]);
  });
  it('is never promised anything where a bit is unknown', () => {
    const models = ask(described(profileOf('haswell')), described(profileOf('haswell')));
    expect(models.verdict).toBe('unknown');
    expect(about(models, 'machine-data-missing')).toContain('spec_ctrl');
    expect(ask(host(FULL), described(profileOf('haswell'))).verdict).toBe('unknown');
  });
  it('says that registers are not compared, and calls it a risk between Intel models', () => {
    const other = host(FULL, { signature: [6, 79, 1] });
    const severity = (report: ReturnType<typeof ask>) =>
      report.findings.find(({ code }) => code === 'machine-not-compared')?.severity;
    expect([severity(ask(host(FULL), host(FULL))), severity(ask(host(FULL), other))]).toEqual([
      'info',
      'risk',
    ]);
    const amd = { vendor: 'AuthenticAMD' };
    expect(severity(ask(host(FULL, amd), host(FULL, { ...amd, signature: [23, 1, 2] })))).toBe(
      'info',
    );
  });
  it('doesn’t ask what becomes of tasks: sizes of registers’ areas are no matter', () => {
    const larger = host(FULL, { areaBytes: 2696 });
    expect(ask(host(FULL), larger).verdict).toBe('compatible');
  });
  it.skipIf(!corpusIsHere)('goes on at the host that it is on, whichever that is', () => {
    for (const one of corpusHosts()) {
      const same = described(one);
      const { findings } = ask(same, same);
      expect(findings.filter(({ severity }) => severity === 'blocker')).toEqual([]);
    }
  });
});

describe('the table of what guests get', () => {
  it('has names of QEMU alone, and none that is set by the guest', () => {
    for (const name of GIVEN_TO_GUESTS) expect(featureRow(name).names?.qemu, name).toBeDefined();
    for (const name of ['osxsave', 'ospke', 'hypervisor', 'nonstop_tsc'] as const)
      expect(GIVEN_TO_GUESTS).not.toContain(name);
  });
  it('leaves out no instruction that tasks in a guest use', () => {
    const left = ROWS.filter(
      ({ name, class: kind, names, bit }) =>
        kind === 'isa' &&
        names?.qemu !== undefined &&
        typeof bit === 'number' &&
        !GIVEN_TO_GUESTS.includes(name),
    ).map(({ name }) => name);
    expect(left.sort()).toEqual(
      ['enqcmd', 'key_locker', 'lwp', 'mpx', 'mwaitx', 'ptwrite', 'uintr', 'waitpkg'].filter(
        (name) => left.includes(name as FeatureName),
      ),
    );
  });
});

describe('check --for vm', () => {
  it('answers by the same rules', () => {
    const { status, out } = cpugate(['check', 'haswell', 'ivybridge', '--for', 'vm']);
    expect(status).toBe(1);
    expect(out).toMatch(/^haswell → ivybridge: incompatible \(mode vm\)\nA virtual machine/);
    expect(out).toMatch(/machine-feature-missing\n[^.]*\bavx2\b/);
    expect(out.replace(/\s+/g, ' ')).toContain('cpugate export both.json --for libvirt');
  });
  it.each([
    ['--mode', 'strict'],
    ['--mask', 'x86-64-v2'],
  ])('takes no %s', (option, value) => {
    const { status, err } = cpugate([
      'check',
      'haswell',
      'ivybridge',
      '--for',
      'vm',
      option,
      value,
    ]);
    expect([status, err]).toEqual([2, expect.stringContaining(`${option} is about tasks`)]);
  });
});
