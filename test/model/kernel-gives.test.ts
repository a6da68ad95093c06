import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/catalogue/index.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { SystemFacts } from '../../src/model/host.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from '../../src/model/xsave.js';
import { baselineOfPlans, joinPlans } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, hostOf } from '../hosts.js';
import { compareHosts } from '../judge/between.js';

const BITS: readonly FeatureName[] = ['xsavec', 'xsaves', 'shstk', 'la57', 'lam', 'fsgsbase'];

/** A CPU with all of it, under a kernel that says this. */
function plan(name: string, system: SystemFacts, more: Partial<HostPlan> = {}): HostPlan {
  const features = [...new Set<FeatureName>([...HASWELL.features, ...BITS])];
  return { ...HASWELL, name, kind: 'system', features, linearBits: 57, system, ...more };
}

const flags = (...cpuinfoFlags: string[]): SystemFacts => ({ hwcap2: 2n, cpuinfoFlags });
const ALL = flags('user_shstk', 'la57', 'lam');

describe('what the kernel gives to tasks', () => {
  it.each<[FeatureName, string, SystemFacts, Presence]>([
    ['shstk', 'user_shstk is printed', flags('user_shstk'), PRESENT],
    ['shstk', 'it is not (nousershstk, Linux before 6.6)', flags('lam'), ABSENT],
    ['shstk', 'no flags are recorded', { hwcap2: 2n }, PRESENT],
    ['la57', 'la57 is printed', flags('la57'), PRESENT],
    ['la57', 'it is not (no5lvl)', flags(), ABSENT],
    ['lam', 'lam is printed', flags('lam'), PRESENT],
    ['lam', 'it is not', flags(), ABSENT],
    ['fsgsbase', 'AT_HWCAP2 has it', { hwcap2: 2n }, PRESENT],
    ['fsgsbase', 'AT_HWCAP2 lacks it (Linux before 5.9)', { hwcap2: 0n }, ABSENT],
    ['fsgsbase', 'no AT_HWCAP2 is recorded', {}, UNKNOWN],
  ])('%s where %s', (feature, _, system, presence) => {
    const host = { ...hostOf(plan('host', system)), system };
    expect(describeHost(host).effective(feature)).toBe(presence);
  });
  it('never more than the CPU has', () => {
    const host = describeHost(
      hostOf({ ...plan('host', ALL), features: HASWELL.features, withoutLa57: true }),
    );
    for (const feature of ['shstk', 'la57', 'lam'] as const)
      expect(host.effective(feature)).toBe(ABSENT);
  });
  it.each([
    ['57 bits of addresses with la57', ALL, 57],
    ['48 under no5lvl, whatever CPUID shows', flags(), 48],
    ["CPUID's where no flags are recorded", {}, 57],
  ])('%s', (_, system, bits) => {
    expect(describeHost(hostOf(plan('host', system))).linearAddressBits).toBe(bits);
  });
  it('48 bits of addresses where a hypervisor hides la57 and leaves leaf 0x80000008 as it is', () => {
    const hidden: HostPlan = { ...HASWELL, linearBits: 57, withoutLa57: true };
    expect(describeHost(hostOf(hidden)).linearAddressBits).toBe(48);
    const report = compareHosts(hostOf({ ...HASWELL, linearBits: 57 }), hostOf(hidden));
    expect(report.findings.find(({ code }) => code === 'address-width')?.severity).toBe('risk');
  });
});

describe('a move to a kernel that gives less', () => {
  const found = (from: HostPlan, to: HostPlan) =>
    compareHosts(hostOf(from), hostOf(to))
      .findings.filter(({ severity }) => severity !== 'info')
      .map(({ severity, code, feature }) => `${severity} ${code}${feature ? ` ${feature}` : ''}`);
  const all = plan('all', ALL);
  it.each([
    ['user shadow stacks', flags('la57', 'lam'), ['risk kernel-feature-missing shstk']],
    ['linear address masking', flags('user_shstk', 'la57'), ['risk kernel-feature-missing lam']],
    ['five levels of page tables', flags('user_shstk', 'lam'), ['risk address-width']],
  ])('is a risk for those with %s', (_, system, findings) => {
    expect(found(all, plan('less', system))).toEqual(findings);
  });
  it('is none where the source gave as little, or the target gives more', () => {
    expect(found(plan('none', flags()), plan('other', flags()))).toEqual([]);
    expect(found(plan('none', flags()), all)).toEqual([]);
  });
  it('and no5lvl, which the advice names, lets a host join', () => {
    const narrow = plan('narrow', flags(), { linearBits: 48 });
    const join = joinPlans(baselineOfPlans([narrow]), plan('no5lvl', flags()));
    expect([join.verdict, join.limits]).toEqual(['compatible', []]);
  });
});
