import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf, ownAreaBytes } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { EVERY_64_BIT_CPU, type FeatureName, featureRow } from '../../src/catalogue/index.js';
import { firecracker as firecrackerTarget } from '../../src/export/firecracker.js';
import type { FirecrackerTemplate } from '../../src/export/firecracker-template.js';
import validate from '../../src/generated/firecracker-template.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { Cpu, Host } from '../../src/model/host.js';
import { findLeaf, leafTable } from '../../src/model/leaves.js';
import { PRESENT } from '../../src/model/xsave.js';
import { baselineOfPlans, PLACELESS_512 } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, hostOf, INTEL_AVX512, V3, V4 } from '../hosts.js';
import { corpusHosts, corpusIsHere, MODEL_EXAMPLES } from './examples.js';
import { asFile } from './tools.js';

const firecracker = asFile(firecrackerTarget);

function templateOf(baseline: Baseline): FirecrackerTemplate {
  return JSON.parse(`${firecracker.write(baseline, {}).content}`);
}

function bitmapOf(template: FirecrackerTemplate, leaf: string, subleaf: string, register: string) {
  return template.cpuid_modifiers
    .find((one) => one.leaf === leaf && one.subleaf === subleaf)
    ?.modifiers.find((one) => one.register === register)?.bitmap;
}

/** As Firecracker does it: characters from bit 31 on, "x" keeps. */
function applyBitmap(value: number, bitmap: string): number {
  const bits = [...bitmap.slice(2)].map((rule, place) =>
    rule === 'x' ? `${(value >>> (31 - place)) % 2}` : rule,
  );
  return Number.parseInt(bits.join(''), 2);
}

/** The host under a template, less the leaves that it lacks. */
function under(host: Host, template: FirecrackerTemplate): Host {
  const cpu = host.cpus[0] as Cpu;
  const rows = new Map(cpu.leaves.rows.map((row) => [row, row]));
  for (const { leaf, subleaf, modifiers } of template.cpuid_modifiers) {
    const row = findLeaf(cpu.leaves, Number(leaf), Number(subleaf));
    if (row === undefined) continue;
    const changed = { ...row };
    for (const { register, bitmap } of modifiers)
      changed[register] = applyBitmap(row[register], bitmap);
    rows.set(row, changed);
  }
  // What a guest enables is what it finds.
  return { ...host, kind: 'cpu', cpus: [{ ...cpu, leaves: leafTable(rows.values()) }] };
}

function featuresUnder(host: Host, template: FirecrackerTemplate): FeatureName[] {
  const seen = describeHost(under(host, template));
  return VISIBLE.filter((name) => seen.effective(name) === PRESENT);
}

const SERVER: HostPlan = {
  name: 'server',
  kind: 'cpu',
  features: [...V4, 'vaes', 'aes', 'pku', 'avx_vnni'],
  mask: 0x2e7n,
  places: { ...INTEL_AVX512, 9: [8, 2688] },
  areaBytes: 2696,
};

describe('a template', () => {
  const baseline = baselineOfPlans([{ ...HASWELL, features: V3 }, SERVER]);
  const template = templateOf(baseline);

  it('clears what hosts have beyond the baseline, and sets nothing', () => {
    // Leaf 7 EBX: AVX512F is bit 16, AVX2 bit 5.
    const bitmap = bitmapOf(template, '0x7', '0x0', 'ebx') ?? '';
    expect(bitmap[2 + 31 - 16]).toBe('0');
    expect(bitmap[2 + 31 - 5]).toBe('x');
    for (const { leaf, modifiers } of template.cpuid_modifiers)
      for (const { bitmap: one } of modifiers)
        if (leaf !== '0xd') expect(one).not.toMatch(/^0b.*1/);
  });
  it('enables the state of the baseline alone, and says how large that is', () => {
    expect(bitmapOf(template, '0xd', '0x0', 'eax')).toBe(`0b${'0'.repeat(29)}xxx`);
    expect(bitmapOf(template, '0xd', '0x0', 'edx')).toBe(`0b${'0'.repeat(32)}`);
    // x87, SSE and AVX end at 576 + 256.
    expect(Number(bitmapOf(template, '0xd', '0x0', 'ecx'))).toBe(832);
  });
  it("leaves bits that only the guest's kernel uses", () => {
    // Leaf 1 ECX bit 17 is PCID, leaf 7 EDX bit 26 the speculation controls.
    expect(bitmapOf(template, '0x1', '0x0', 'ecx')?.[2 + 31 - 17]).toBe('x');
    expect(bitmapOf(template, '0x7', '0x0', 'edx')?.[2 + 31 - 26]).toBe('x');
    // OSXSAVE follows what the guest enables.
    expect(bitmapOf(template, '0x1', '0x0', 'ecx')?.[2 + 31 - 27]).toBe('x');
  });
  it('says that the subleaf counts, where it does', () => {
    for (const { leaf, flags } of template.cpuid_modifiers)
      expect(flags, leaf).toBe(['0x7', '0xd'].includes(leaf) ? 1 : 0);
  });
  it('says so of the leaf of APX', () => {
    const next: HostPlan = {
      ...SERVER,
      features: [...SERVER.features, 'apx', 'apx_nci_ndd_nf'],
      mask: 0x802e7n,
      places: { ...SERVER.places, 19: [128, 960] },
    };
    const flags = templateOf(baselineOfPlans([SERVER, next])).cpuid_modifiers.map(
      (one) => [one.leaf, one.flags] as const,
    );
    expect(flags).toContainEqual(['0x29', 1]);
  });
  it('tells of leaves that not every host may have', () => {
    const { said } = firecracker.write(baseline, {});
    expect(said.join('\n')).toContain('leaf 0x7.1');
    const plain = firecracker.write(baselineOfPlans([HASWELL]), {});
    expect(plain.said.join('\n')).not.toContain('refuses');
  });
  it('leaves the size where hosts do not tell where all state lies', () => {
    const untold = baselineOfPlans([PLACELESS_512]);
    expect(ownAreaBytes(untold)).toBeUndefined();
    expect(bitmapOf(templateOf(untold), '0xd', '0x0', 'ecx')).toBeUndefined();
    expect(firecracker.write(untold, {}).said.join('\n')).toContain('leaf 0xd.0 ECX');
  });
  it('hides XSAVE whole', () => {
    const old = baselineOfPlans([{ name: 'old', features: V3.slice(0, 18), areaBytes: 0 }, SERVER]);
    const none = templateOf(old);
    for (const register of ['eax', 'ecx', 'edx'])
      expect(bitmapOf(none, '0xd', '0x0', register)).toBe(`0b${'0'.repeat(32)}`);
  });
  it.each(MODEL_EXAMPLES)('of %s is of its schema', (_, one) => {
    expect(validate(templateOf(one)), JSON.stringify(validate.errors)).toBe(true);
  });
});

describe('the schema', () => {
  const leaf = (change: object) => ({
    cpuid_modifiers: [
      {
        leaf: '0x7',
        subleaf: '0x0',
        flags: 1,
        modifiers: [{ register: 'ebx', bitmap: `0b${'x'.repeat(32)}` }],
        ...change,
      },
    ],
  });
  it('takes what is right', () => expect(validate(leaf({}))).toBe(true));
  it.each([
    [leaf({ leaf: '7' })],
    [leaf({ flags: '1' })],
    [leaf({ modifiers: [{ register: 'rax', bitmap: `0b${'x'.repeat(32)}` }] })],
    [leaf({ modifiers: [{ register: 'eax', bitmap: `0b${'x'.repeat(31)}` }] })],
    [leaf({ modifiers: [{ register: 'eax', bitmap: `0b${'2'.repeat(32)}` }] })],
    [{ cpuid_modifier: [] }],
    [[]],
  ])('refuses %j', (wrong) => expect(validate(wrong)).toBe(false));
});

/** Leaves where KVM gives a guest nothing: see firecracker.ts. */
const beyondKvm = (name: FeatureName) =>
  [0x12, 0x14, 0x19, 0xc0000001].includes(featureRow(name).leaf);

function expectBaselineUnder(host: Host, baseline: Baseline) {
  const allowed = new Set<FeatureName>([...baseline.features, ...EVERY_64_BIT_CPU]);
  const left = featuresUnder(host, templateOf(baseline));
  const tooMuch = left.filter((name) => !allowed.has(name) && !beyondKvm(name));
  expect(tooMuch, host.name).toEqual([]);
  return left;
}

describe('a host under the template', () => {
  it('shows the baseline', () => {
    const haswell = { ...HASWELL, kind: 'cpu' as const };
    const baseline = baselineOfPlans([haswell, SERVER]);
    for (const plan of [haswell, SERVER])
      expect(expectBaselineUnder(hostOf(plan), baseline)).toEqual(
        expect.arrayContaining([...baseline.features]),
      );
  });
  it.skipIf(!corpusIsHere)('shows no more than the baseline, of any published dumps', () => {
    const hosts = corpusHosts().filter((host) => describeHost(host).effective('xsave') === PRESENT);
    for (let n = 0; n + 3 < hosts.length; n += 3) {
      const some = hosts.slice(n, n + 4);
      const baseline = baselineOf(clusterOf(some.map(describeHost)));
      for (const host of some) expectBaselineUnder(host, baseline);
    }
  });
});
