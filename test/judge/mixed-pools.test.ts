/**
 * Hosts of one pool are unlike, and the pool's baseline was made knowing it: tasks under its mask move
 * between any two of them, each may be added once more, and each can enforce the mask.
 */
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { judgeUnder, maskOf } from '../../src/baseline/under-mask.js';
import { maskForHost } from '../../src/enforce/prepare.js';
import { described, describeHost } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { AMD_512, fileText, INTEL_512, joinHosts, readText } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, hostOf, V2, V3, YMM } from '../hosts.js';
import { names as modelNames, hostOf as modelOf } from '../profiles/load.js';
import { compareHosts } from './between.js';

function made(plan: HostPlan): Host {
  return hostOf({ ...plan, system: { minSigStackBytes: 1776, ...plan.system } });
}

const HASWELL_HOST = made(HASWELL);
const ROME: HostPlan = {
  ...HASWELL,
  name: 'rome',
  vendor: 'AuthenticAMD',
  signature: [23, 49, 0],
  features: [...HASWELL.features, 'xsavec', 'clwb', 'rdpid', 'umip'],
};
const ICE_LAKE: HostPlan = {
  ...INTEL_512,
  name: 'ice-lake',
  linearBits: 57,
  system: { minSigStackBytes: 3632 },
};
/** MPX in front of AVX-512, whose registers XSAVEC then packs further behind. */
const SKYLAKE: HostPlan = {
  ...INTEL_512,
  name: 'skylake',
  features: [...INTEL_512.features, 'mpx'],
  mask: 0x2ffn,
  places: { ...INTEL_512.places, 3: [64, 960], 4: [64, 1024] },
  system: { minSigStackBytes: 3632 },
};
const NO_XSAVE: HostPlan = { name: 'old', features: V2, areaBytes: 0 };

const POOLS: Readonly<Record<string, readonly Host[]>> = {
  'Intel and AMD': [HASWELL_HOST, made(ROME)],
  'Intel and AMD with AVX-512': [made(INTEL_512), made(AMD_512)],
  'Ice Lake and Skylake': [made(ICE_LAKE), made(SKYLAKE)],
  'models of Ice Lake and Skylake': ['icelake-sp', 'skylake-sp'].map(modelOf),
  'unlike cache lines': [HASWELL_HOST, made({ ...HASWELL, name: 'b', lineBytes: 128 })],
  'three widths of addresses': [
    made({ ...HASWELL, linearBits: 57 }),
    made({ ...HASWELL, name: 'b', linearBits: 48 }),
    made({ ...HASWELL, name: 'c', linearBits: 52 }),
  ],
  'unlike in all': [
    made(ICE_LAKE),
    made({ ...ROME, lineBytes: 128 }),
    made({ ...HASWELL, vendor: 'CentaurHauls', features: V3, places: YMM }),
  ],
  'with one that has no XSAVE': [made(NO_XSAVE), made(ICE_LAKE), made(ROME)],
  'a level and hosts': [modelOf('x86-64-v3'), made(ICE_LAKE), made(ROME)],
  'the highest level and Intel hosts': [modelOf('x86-64-v4'), made(ICE_LAKE), made(SKYLAKE)],
  'all models with AVX2': modelNames
    .filter((name) => !name.startsWith('x86-64'))
    .map(modelOf)
    .filter((host) => describeHost(host).effective('avx2') === 2),
};

const WORKS = { cpuidFaulting: { works: true, reason: 'tried' } };

function counting(findings: readonly { readonly severity: string; readonly code: string }[]) {
  return findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code);
}

describe.each(Object.entries(POOLS))('a pool: %s', (_, hosts) => {
  const baseline = baselineOf(clusterOf(hosts.map(describeHost)));
  const mask = maskOf('pool', baseline);
  const machines = hosts.filter(({ onlyFeatures }) => onlyFeatures !== true);

  it('lets tasks under its mask move from each to each', () => {
    for (const from of machines)
      for (const to of machines) {
        const { verdict, findings } = compareHosts(from, to, { mask });
        expect([counting(findings), verdict], `${from.name} → ${to.name}`).toEqual([
          [],
          'compatible',
        ]);
      }
  });

  it('takes each of them once more', () => {
    for (const host of hosts) {
      const join = joinHosts(baseline, [describeHost(host)]);
      expect([join.accepted, join.verdict, join.limits], host.name).toEqual([
        true,
        'compatible',
        [],
      ]);
      expect(counting(judgeUnder('pool', baseline, describeHost(host)).findings)).toEqual([]);
    }
  });

  it('has a mask that each can enforce', () => {
    for (const host of machines) {
      const here = { ...host, system: { ...host.system, ...WORKS } };
      expect(maskForHost({ name: 'pool', baseline }, described(here)).risks).toEqual([]);
    }
  });

  it('accepts after it was read from its file, as the record of a dump does', () => {
    const read = readText(fileText(baseline)).baseline;
    expect(read.accepts).toEqual(baseline.accepts);
  });
});

describe('what a pool accepts', () => {
  const pool = baselineOf(clusterOf([HASWELL_HOST, made(ROME)].map(describeHost)));
  const codes = (to: HostPlan) =>
    counting(compareHosts(HASWELL_HOST, made(to), { mask: maskOf('pool', pool) }).findings);

  it('is what its own hosts have, and no more', () => {
    expect(pool.accepts).toEqual({
      vendors: ['AuthenticAMD', 'GenuineIntel'],
      cacheLineBytes: [64],
      linearAddressBits: [48],
    });
    expect(codes({ ...ROME, name: 'c' })).toEqual([]);
    expect(codes({ ...ROME, vendor: 'CentaurHauls' })).toEqual(['vendor-differs']);
    expect(codes({ ...ROME, lineBytes: 128 })).toEqual(['cache-line-differs']);
    expect(codes({ ...ROME, linearBits: 47 })).toEqual(['address-width']);
  });
  it('is nothing without a baseline', () => {
    expect(
      counting(compareHosts(HASWELL_HOST, made({ ...HASWELL, vendor: 'AuthenticAMD' })).findings),
    ).toEqual(['vendor-differs']);
  });
});
