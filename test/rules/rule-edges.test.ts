import { describe, expect, it } from 'vitest';
import { type Capabilities, describeHost } from '../../src/model/capabilities.js';
import type { HostKind } from '../../src/model/host.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';
import { ALL_KNOWN, ALL_KNOWN_64, type Known64 } from '../../src/model/registers.js';
import { PRESENT } from '../../src/model/xsave.js';
import { cacheLineDiffers } from '../../src/rules/cache-line-differs.js';
import { cpusDiffer } from '../../src/rules/cpus-differ.js';
import { dataMissing } from '../../src/rules/data-missing.js';
import { featureAdded } from '../../src/rules/feature-added.js';
import { signalFrameGrows } from '../../src/rules/signal-frame-grows.js';
import { stateAdded } from '../../src/rules/state-added.js';
import { stateLayout } from '../../src/rules/state-layout.js';
import { stateMissing } from '../../src/rules/state-missing.js';
import { stateNotEnabled } from '../../src/rules/state-not-enabled.js';
import { HASWELL, hostOf, INTEL_AVX512, seen, V2, V3, V4 } from '../hosts.js';
import { ask } from './ask.js';

const SKYLAKE = {
  ...HASWELL,
  features: [...V4, 'pku' as const, 'ospke' as const],
  mask: 0x2e7n,
  places: { ...INTEL_AVX512, 9: [8, 2688] as const },
  areaBytes: 2696,
};
const SSE_ONLY = { ...HASWELL, mask: 0x3n, areaBytes: 576 };

describe('gaps', () => {
  it('another alignment in the compacted format is another layout', () => {
    const from = seen(SKYLAKE);
    const to: Capabilities = {
      ...from,
      xsave: {
        ...from.xsave,
        components: from.xsave.components.map((one) => ({ ...one, aligned: one.bit === 6 })),
      },
    };
    expect(ask(stateLayout, from, to)).toMatchObject([{ component: 'zmm_hi256' }]);
  });
  it('YMM state can be lost and added like any other', () => {
    expect(ask(stateMissing, seen(HASWELL), seen(SSE_ONLY))).toMatchObject([
      { component: 'ymm_hi128' },
    ]);
    expect(ask(stateAdded, seen(SSE_ONLY), seen(HASWELL))).toMatchObject([
      { component: 'ymm_hi128' },
    ]);
  });
  it('what an OS switched off is no oddity of a dump', () => {
    const host = hostOf({ ...HASWELL, kind: 'system', features: V3, mask: 0x207n });
    const off = {
      ...host,
      cpus: host.cpus.map((cpu) => ({ ...cpu, xcr0: { value: 7n, known: ALL_KNOWN_64 } })),
    };
    expect(ask(stateNotEnabled, describeHost(off), seen(HASWELL))).toEqual([]);
  });
  it('a frame of just MINSIGSTKSZ fits', () => {
    const frame = (minSigStackBytes: number) => seen({ ...HASWELL, system: { minSigStackBytes } });
    expect(ask(signalFrameGrows, frame(1200), frame(2048))).toEqual([]);
    expect(ask(signalFrameGrows, frame(1200), frame(2049))).toHaveLength(1);
  });
  it('a target without XSAVE overruns nothing, whatever the size at the source', () => {
    const { areaBytes: _, ...untold } = HASWELL;
    const from = seen({ ...untold, places: {}, mask: 0xe7n, features: [...V4] });
    expect(
      ask(dataMissing, from, seen({ ...HASWELL, features: V2, mask: 0n, places: {} })).filter(
        (one) => one.component === 'xsave',
      ),
    ).toEqual([]);
  });
  it.each(['from', 'to'] as const)('the AVX10 version is missed on either side: %s', (side) => {
    const plain = seen(SKYLAKE);
    const host: Capabilities = {
      ...plain,
      effective: (name) => (name === 'avx10_version' ? PRESENT : plain.effective(name)),
      fieldValue: () => 1,
    };
    const blank: Capabilities = { ...host, fieldValue: () => undefined };
    expect(ask(dataMissing, host, host)).toEqual([]);
    const findings =
      side === 'from' ? ask(dataMissing, blank, host) : ask(dataMissing, host, blank);
    expect(findings).toMatchObject([{ feature: 'avx10_version' }]);
  });
  it("a dump's vendor, line and width are missed like a host's", () => {
    const cpu: Capabilities = { ...seen({ ...HASWELL, kind: 'cpu' }), vendor: undefined };
    expect(
      ask(dataMissing, cpu, cpu)
        .map((one) => one.effect)
        .join(),
    ).toContain('the vendor');
  });
  it('state that the source may have and the target lacks is missed', () => {
    const from = seen({ ...HASWELL, maskUntold: true });
    expect(ask(dataMissing, from, seen(HASWELL)).map((one) => one.component)).toContain('pkru');
  });
  it('a mixed target is a finding too', () => {
    const mixed = seen(HASWELL, [
      { ...HASWELL, features: HASWELL.features.filter((one) => one !== 'fma') },
    ]);
    expect(ask(cpusDiffer, seen(HASWELL), mixed)).toMatchObject([{ feature: 'fma' }]);
  });
  it('a shorter cache line differs as a longer one does', () => {
    expect(ask(cacheLineDiffers, seen({ ...HASWELL, lineBytes: 128 }), seen(HASWELL))).toHaveLength(
      1,
    );
  });
  it('what the source may have had is not added', () => {
    const { features } = HASWELL;
    const from = seen({
      ...HASWELL,
      features: features.filter((one) => one !== 'fma'),
      untold: ['fma'],
    });
    expect(ask(featureAdded, from, seen(HASWELL))).toEqual([]);
  });
});

describe('XCR0 and the area', () => {
  const edit = (change: (row: LeafRow) => LeafRow, xcr0?: Known64, kind: HostKind = 'system') => {
    const host = hostOf(HASWELL);
    const cpus = host.cpus.map(({ logical, leaves }) => ({
      logical,
      leaves: leafTable(leaves.rows.map(change)),
      ...(xcr0 === undefined ? {} : { xcr0 }),
    }));
    return describeHost({ ...host, kind, cpus }).xsave;
  };
  const all = (value: bigint) => ({ value, known: ALL_KNOWN_64 });
  const same = (row: LeafRow) => row;
  it('an OS that left OSXSAVE off enabled nothing', () => {
    const off = seen({ ...HASWELL, features: HASWELL.features.filter((one) => one !== 'osxsave') });
    expect(off.xsave).toMatchObject({ enabled: all(0n), areaBytes: 0, components: [] });
  });
  it('what an OS enabled is not derived from what the CPU offers', () => {
    expect(edit(same)).toMatchObject({ basis: 'read', enabled: { known: 0n } });
  });
  it('the size for all offered components is no size for some that are not all known', () => {
    // The high half of the mask isn't told: a component there may lie behind the others.
    const half = (row: LeafRow): LeafRow =>
      row.leaf === 0xd && row.subleaf === 0
        ? { ...row, ecx: 960, known: { eax: ALL_KNOWN, ebx: ALL_KNOWN, ecx: ALL_KNOWN, edx: 0 } }
        : row;
    expect(edit(half, undefined, 'cpu').areaBytes).toBe(832);
  });
  it('0xD.0 EBX of 0 tells no size: the enabled components end at 832', () => {
    const zero = (row: LeafRow): LeafRow =>
      row.leaf === 0xd && row.subleaf === 0 ? { ...row, ebx: 0 } : row;
    expect(edit(zero, all(7n)).areaBytes).toBe(832);
  });
});
