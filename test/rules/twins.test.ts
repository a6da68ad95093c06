/** Which hosts are one CPU that shows the same: what is open of both is then the same on both. */
import { describe, expect, it } from 'vitest';
import type { Capabilities } from '../../src/model/capabilities.js';
import { areTwins, isOneCpu } from '../../src/rules/twins.js';
import { AVX10_PARTS, HASWELL, INTEL_AVX512, seen, V4 } from '../hosts.js';

const AVX10 = {
  ...HASWELL,
  features: [...V4, ...AVX10_PARTS],
  mask: 0xe7n,
  places: INTEL_AVX512,
  areaBytes: 2688,
};
const host = seen({ ...AVX10, avx10: 1 });
const withXsave = (change: Partial<Capabilities['xsave']>): Capabilities => ({
  ...host,
  xsave: { ...host.xsave, ...change },
});
const [first, ...others] = host.xsave.shown;
if (first === undefined) throw new Error('the host shows subleaves');

describe('twins', () => {
  it('call themselves one CPU and show the same, whatever they are called', () => {
    expect(areTwins(host, { ...host, name: 'other', brand: 'other' })).toBe(true);
    expect(areTwins(host, seen({ ...AVX10, avx10: 1, name: 'other' }))).toBe(true);
  });
  it.each<[string, Capabilities]>([
    ['a feature', seen({ ...AVX10, features: AVX10.features.filter((one) => one !== 'aes') })],
    ['the version of AVX10', seen({ ...AVX10, avx10: 2 })],
    ['what the OS enables', withXsave({ enabled: { ...host.xsave.enabled, value: 0x7n } })],
    ['how much is known of that', withXsave({ enabled: { ...host.xsave.enabled, known: 0xe7n } })],
    ['the size of the area', withXsave({ areaBytes: undefined })],
    [
      'a place of state',
      withXsave({
        components: host.xsave.components.map((one) => ({ ...one, offset: undefined })),
      }),
    ],
    // glibc sizes its buffers by the subleaves that CPUID shows, enabled or not.
    ['a subleaf of 0xD', withXsave({ shown: others })],
    ['what is known of one', withXsave({ shown: [{ ...first, isKnown: false }, ...others] })],
    // Releases save registers in different ways.
    ['the release of glibc', { ...host, system: { glibc: { version: '2.36' } } }],
    ['that one is a guest', { ...host, isBareMetal: host.isBareMetal !== true }],
  ])('differ in nothing: not in %s', (_, other) => {
    expect(isOneCpu(host, other)).toBe(true);
    expect(areTwins(host, other)).toBe(false);
    expect(areTwins(other, host)).toBe(false);
  });
  it.each<[string, Capabilities]>([
    ['another stepping', seen({ ...AVX10, signature: [6, 63, 4] })],
    ['another vendor', seen({ ...AVX10, vendor: 'AuthenticAMD' })],
    ['a named model, which stands for many CPUs', { ...host, kind: 'model' }],
    ['a CPU that does not tell its vendor', { ...host, vendor: undefined }],
    ['a CPU that does not tell its signature', { ...host, signature: undefined }],
  ])('are of one stepping: not %s', (_, other) => {
    expect(areTwins(host, other)).toBe(false);
  });
  it.each<[string, Capabilities]>([
    ['named models', { ...host, kind: 'model' }],
    ['CPUs without a vendor', { ...host, vendor: undefined }],
    ['CPUs without a signature', { ...host, signature: undefined }],
  ])('are not made by being alike: %s', (_, one) => {
    expect(areTwins(one, { ...one })).toBe(false);
  });
});
