import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { cracOption, crac as cracTarget } from '../../src/export/crac.js';
import { crac as cracFormat } from '../../src/formats/crac.js';
import { openInput } from '../../src/formats/format.js';
import { describeHost, effectiveFeatures } from '../../src/model/capabilities.js';
import { models } from '../baseline/clusters.js';
import { MODEL_EXAMPLES } from './examples.js';
import { asFile } from './tools.js';

const RELEASES = [17, 25] as const;
/** The one whose numbers such a release takes. */
const numberingOf = (release: number) => (release < 25 ? 17 : 25);

function readBack(numbers: readonly [bigint, bigint], release: number) {
  const [first, second] = numbers.map((one) => `0x${one.toString(16)}`);
  const text = `openjdk ${release}.0.1 2025-10-21\nThis machine's CPU features are: -XX:CPUFeatures=${first},${second}\n`;
  return describeHost(cracFormat.read(openInput('x', Buffer.from(text))));
}

describe('-XX:CPUFeatures', () => {
  it.each(MODEL_EXAMPLES)('of %s asks for nothing that the baseline lacks', (_, baseline) => {
    const kept = new Set<string>(baseline.features);
    // The reader adds what every 64-bit CPU has.
    for (const name of [
      'fpu',
      'tsc',
      'cx8',
      'sep',
      'cmov',
      'clflush',
      'mmx',
      'fxsr',
      'sse',
      'sse2',
      'syscall',
      'lm',
    ])
      kept.add(name);
    for (const release of RELEASES)
      for (const name of effectiveFeatures(readBack(cracOption(baseline, release), release)))
        expect([release, name, kept.has(name)]).toEqual([release, name, true]);
  });

  // What JVMs printed of real machines: an option of that machine's own baseline has no bit beyond it.
  it.each([
    [21, 0x21801fdfbd7n, 0x3e6n],
    [17, 0x77ff9dddfbf7n, 0x3e6n],
    [25, 0x3ef8e1c05fdfbf7n, 0x3ccn],
  ] as const)('of a machine that JDK %i calls 0x%x is within that', (release, first, second) => {
    const machine = readBack([first, second], release);
    const baseline = baselineOf(clusterOf([machine]));
    const [ours, others] = cracOption(baseline, numberingOf(release));
    expect([(ours & ~first).toString(16), (others & ~second).toString(16)]).toEqual(['0', '0']);
    // And far from nothing: AVX2 and what comes with it.
    expect((ours >> 7n) & 1n).toBe(1n);
  });

  it('keeps what a JVM up to 27 can’t start without', () => {
    for (const [, baseline] of MODEL_EXAMPLES)
      for (const release of RELEASES)
        expect(cracOption(baseline, release)[0] & 0x20000000080n).toBe(0x20000000080n);
  });
  it('leaves out on AMD what an old JVM reads wrongly there', () => {
    const lzcnt = (names: readonly string[], release: number) =>
      (cracOption(baselineOf(models(...names)), release)[0] >> 14n) & 1n;
    expect([lzcnt(['epyc-rome'], 17), lzcnt(['epyc-rome'], 25), lzcnt(['haswell'], 17)]).toEqual([
      0n,
      1n,
      1n,
    ]);
    expect(lzcnt(['haswell', 'epyc-rome'], 17)).toBe(0n);
  });
  it('counts AES, EVEX-coded, only beside AVX-512, as the JVM does', () => {
    const vaes = (name: string) => (cracOption(baselineOf(models(name)), 25)[0] >> 39n) & 1n;
    expect([vaes('epyc-milan'), vaes('icelake-sp')]).toEqual([0n, 1n]);
  });
  it('has a line for each numbering', () => {
    const { content } = asFile(cracTarget).write(baselineOf(models('haswell')), {});
    expect(
      `${content}`.match(/^# JDK .*:\n-XX:CPUFeatures=0x[0-9a-f]+,0x[0-9a-f]+$/gm),
    ).toHaveLength(2);
  });
});
