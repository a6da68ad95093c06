/** The quick way to all verdicts says what a comparison of each two hosts says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/catalogue/index.js';
import { openInput } from '../../src/formats/format.js';
import { instlatx64 } from '../../src/formats/instlatx64.js';
import { profileNames } from '../../src/formats/named-profile.js';
import { KindFold } from '../../src/matrix/kinds.js';
import { matrixOfKinds, verdictMatrix, verdictOf } from '../../src/matrix/matrix.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { knownOf, leafTable } from '../../src/model/leaves.js';
import { PRESENT } from '../../src/model/xsave.js';
import { withTiles } from '../amx.js';
import {
  AVX10_PARTS,
  HASWELL,
  type HostPlan,
  hostOf,
  INTEL_AVX512,
  seen,
  V3,
  V4,
} from '../hosts.js';
import { compareHosts } from '../judge/between.js';
import { plan } from '../plans.js';
import { hostOf as modelOf } from '../profiles/load.js';

const { areaBytes: _untold, ...SIZELESS } = HASWELL;

function expectTheSame(hosts: readonly Host[], pairs?: readonly (readonly [number, number])[]) {
  const matrix = verdictMatrix(hosts.map(describeHost));
  const all = hosts.flatMap((_, from) => hosts.map((_, to) => [from, to] as const));
  for (const [from, to] of pairs ?? all) {
    const [a, b] = [hosts[from] as Host, hosts[to] as Host];
    // From a host to itself is as to another of its kind.
    const quick = verdictOf(matrix, matrix.kindOf[from] as number, matrix.kindOf[to] as number);
    expect(quick, `${a.name} → ${b.name}`).toBe(compareHosts(a, b).verdict);
  }
}

describe('the matrix says what a comparison says', () => {
  it('of every two CPU models', () => expectTheSame(profileNames().map(modelOf)));
  it('of hosts made up at random', () =>
    fc.assert(
      fc.property(fc.array(plan, { minLength: 2, maxLength: 5 }), (plans) =>
        expectTheSame(plans.map((one) => hostOf(one))),
      ),
      { numRuns: 60 },
    ));
  it('of hosts whose CPUs differ', () =>
    expectTheSame([
      hostOf(HASWELL),
      hostOf({ ...HASWELL, name: 'mixed' }, [{ ...HASWELL, features: V3 }]),
      hostOf({ ...HASWELL, name: 'v3', features: V3 }),
    ]));
  it('of hosts that show state which others enable, under several releases of glibc', () => {
    const places = { ...INTEL_AVX512, 3: [64, 960], 4: [64, 1024] } as const;
    const noMpx = { features: V4, places: INTEL_AVX512, mask: 0xe7n, areaBytes: 2688 };
    const glibc = (version: string) => ({ system: { glibc: { version } } });
    const plans = [noMpx, { ...noMpx, places }, { ...noMpx, places, mask: 0xffn }];
    expectTheSame(
      plans.flatMap((one) => [
        hostOf(one),
        hostOf({ ...one, ...glibc('2.36') }),
        hostOf({ ...one, ...glibc('2.41') }),
      ]),
    );
  });
  it('of hosts whose other facts decide: tiles, ring-3 MWAIT, RTM that always aborts', () => {
    const phi = { ...HASWELL, signature: [6, 0x57, 1] as const };
    const monitor: readonly FeatureName[] = [...HASWELL.features, 'monitor'];
    const rtm: readonly FeatureName[] = [...HASWELL.features, 'rtm', 'tsxldtrk'];
    expectTheSame([
      hostOf(HASWELL),
      hostOf({ ...HASWELL, name: 'rtm', features: rtm }),
      hostOf({ ...HASWELL, name: 'aborts', features: [...HASWELL.features, 'rtm_always_abort'] }),
      hostOf({ ...HASWELL, name: 'rtm untold', features: rtm, untold: ['tsxldtrk'] }),
      hostOf({ ...HASWELL, name: 'so too', features: rtm, untold: ['tsxldtrk'], linearBits: 57 }),
      hostOf({ ...withTiles(), name: 'tiles' }),
      hostOf({ ...withTiles({ rowBytes: 32 }), name: 'short rows' }),
      hostOf({ ...withTiles('untold'), name: 'tiles untold' }),
      hostOf({ ...withTiles('untold'), name: 'of another CPU', signature: [6, 0x8f, 8] }),
      hostOf({ ...phi, name: 'mwait', features: monitor, system: { hwcap2: 3n } }),
      hostOf({ ...phi, name: 'no mwait', features: monitor, system: { hwcap2: 2n } }),
      hostOf({ ...HASWELL, name: 'wide', linearBits: 57 }),
    ]);
  });
  it('of hosts that have versions of AVX10, of which one tells a part', () => {
    const versioned = (name: string, avx10: number, more: Partial<HostPlan> = {}): Host =>
      hostOf({
        ...HASWELL,
        name,
        features: [...V4, ...AVX10_PARTS],
        mask: 0xe7n,
        places: INTEL_AVX512,
        areaBytes: 2688,
        avx10,
        ...more,
      });
    /** The low four bits of CPUID 0x24.0 EBX[7:0]. */
    const partly = (host: Host): Host => ({
      ...host,
      cpus: host.cpus.map((cpu) => ({
        ...cpu,
        leaves: leafTable(
          cpu.leaves.rows.map((row) =>
            row.leaf === 0x24 ? { ...row, known: { ...knownOf(row), ebx: ~0xf0 >>> 0 } } : row,
          ),
        ),
      })),
    });
    const part = partly(versioned('a part', 2));
    expect(describeHost(part).effective('avx10_version')).toBe(PRESENT);
    expect(describeHost(part).fieldValue('avx10_version')).toBeUndefined();
    expectTheSame([
      hostOf(HASWELL),
      versioned('first', 1),
      versioned('second', 2),
      versioned('state untold', 2, { maskUntold: true }),
      part,
      partly(versioned('another part', 2)),
      partly(versioned('of another CPU', 2, { signature: [6, 0xad, 1] })),
    ]);
  });
  it('of hosts of which little is told', () =>
    expectTheSame([
      hostOf(HASWELL),
      hostOf({ ...SIZELESS, name: 'no sizes' }),
      hostOf({ ...HASWELL, name: 'doubt', untold: ['avx2', 'fma', 'erms'] }),
      hostOf({ ...HASWELL, name: 'cpu', kind: 'cpu' }),
    ]));
});

const shared =
  process.env.CPUGATE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const corpus = join(shared, 'corpus', 'instlatx64');

describe.skipIf(!existsSync(corpus))('over published dumps of real CPUs', () => {
  it('the matrix says what a comparison says', () => {
    const hosts = readdirSync(corpus)
      .filter((file) => file.endsWith('.txt'))
      .map((file) => instlatx64.read(openInput(file, readFileSync(join(corpus, file)))));
    // All pairs take long: every 31st, which meets each host as source and as target.
    const pairs = hosts.flatMap((_, from) =>
      hosts.flatMap((_, to) => ((from + 3 * to) % 31 === 0 ? [[from, to] as const] : [])),
    );
    expect(new Set(pairs.flat()).size).toBe(hosts.length);
    expectTheSame(hosts, pairs);
  }, 60_000);
});

describe('kinds of hosts', () => {
  it('are hosts that no verdict tells apart: neither name nor microcode makes one', () => {
    const fold = new KindFold();
    const add = (changes: object) => fold.add(seen({ ...HASWELL, ...changes }));
    expect(add({})).toBe(0);
    expect(add({ name: 'other', system: { microcode: '0x1', kernel: '6.1' } })).toBe(0);
    expect(add({ features: V3 })).toBe(1);
    expect(add({ vendor: 'AuthenticAMD' })).toBe(2);
    expect(add({ areaBytes: 2696 })).toBe(3);
    expect(fold.kinds).toHaveLength(4);
  });
  it('do not depend on the order in which hosts come, but for their numbers', () =>
    fc.assert(
      fc.property(fc.array(plan, { minLength: 2, maxLength: 6 }), (plans) => {
        const hosts = plans.map((one) => seen(one));
        const [forth, back] = [verdictMatrix(hosts), verdictMatrix([...hosts].reverse())];
        expect(back.size).toBe(forth.size);
        const last = hosts.length - 1;
        for (let from = 0; from <= last; from++)
          for (let to = 0; to <= last; to++)
            expect(
              verdictOf(back, back.kindOf[last - from] as number, back.kindOf[last - to] as number),
            ).toBe(verdictOf(forth, forth.kindOf[from] as number, forth.kindOf[to] as number));
      }),
      { numRuns: 40 },
    ));
  it('are told while they are compared, row by row', () => {
    const fold = new KindFold();
    for (const features of [V3, HASWELL.features]) fold.add(seen({ ...HASWELL, features }));
    const told: number[] = [];
    matrixOfKinds(fold, { tell: (rows) => told.push(rows) });
    expect(told).toEqual([0, 1]);
  });
});
