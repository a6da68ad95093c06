import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/catalogue/index.js';
import { readEachHost } from '../../src/formats/index.js';
import { describeHost } from '../../src/model/capabilities.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from '../../src/model/xsave.js';
import { bytesOf, changed, failureOf, fixtureJson, readText } from './fixture.js';

const FLAG = 'feature.node.kubernetes.io/cpu-cpuid.';
const VERSION = 'nfd.node.kubernetes.io/worker.version';

/** A node with these flags, and no more. */
function node(
  flags: readonly string[],
  rest: { name?: string; version?: string; labels?: object } = {},
) {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: rest.name ?? 'web-7',
      labels: {
        'kubernetes.io/arch': 'amd64',
        ...Object.fromEntries(flags.map((flag) => [`${FLAG}${flag}`, 'true'])),
        ...rest.labels,
      },
      ...(rest.version === undefined ? {} : { annotations: { [VERSION]: rest.version } }),
    },
  };
}

const EVERY = ['X87', 'CMPXCHG8', 'FXSR'];

async function presences(value: unknown, names: readonly FeatureName[]) {
  const host = describeHost(await readText(value));
  return Object.fromEntries(names.map((name) => [name, host.effective(name)]));
}

const all = (presence: Presence, names: readonly FeatureName[]) =>
  Object.fromEntries(names.map((name) => [name, presence]));

describe('a node with labels of Node Feature Discovery', () => {
  it('is the host that it calls itself', async () => {
    const host = await readText(fixtureJson('node'));
    const { vendor, signature, system } = describeHost(host);
    expect([host.name, host.kind, vendor, system.kernel]).toEqual([
      'pool-a-1',
      'system',
      'GenuineIntel',
      '6.1.0-22-cloud-amd64',
    ]);
    expect(signature).toEqual({ family: 6, model: 106, stepping: undefined });
  });

  it('has what has a label', async () => {
    const names: FeatureName[] = [
      'avx2',
      'avx512f',
      'avx512_vbmi2',
      'gfni',
      'fma',
      'movbe',
      'sha_ni',
      'xsaves',
      'sep',
    ];
    expect(await presences(fixtureJson('node'), names)).toEqual(all(PRESENT, names));
  });

  it('has what a system for x86-64 needs, label or not', async () => {
    const names: FeatureName[] = ['lm', 'sse', 'sse2', 'cmov', 'mmx'];
    expect(await presences(fixtureJson('node'), names)).toEqual(all(PRESENT, names));
  });

  it('lacks what would have one', async () => {
    const names: FeatureName[] = [
      'sse4a',
      'rtm',
      'mpx',
      'amx_tile',
      'avx_vnni',
      'cmpccxadd',
      'clzero',
      'waitpkg',
    ];
    expect(await presences(fixtureJson('node'), names)).toEqual(all(ABSENT, names));
  });

  it('leaves open what is kept from labels, has no flag, or came later', async () => {
    const names: FeatureName[] = [
      'bmi2',
      'popcnt',
      'pclmulqdq',
      'rdrand',
      'abm',
      'clflushopt',
      'pku',
      'fsgsbase',
      'avx_vnni_int16',
      'sm3',
      'tbm',
    ];
    expect(await presences(fixtureJson('node'), names)).toEqual(all(UNKNOWN, names));
  });

  it('tells which state the system has enabled, and not how large it is', async () => {
    const { xsave } = describeHost(await readText(fixtureJson('node')));
    expect(xsave.enabled.value).toBe(0xe7n);
    // PKRU has no label.
    expect(xsave.enabled.known & 0x200n).toBe(0n);
    expect(xsave.areaBytes).toBeUndefined();
  });
});

describe('a missing label', () => {
  it('of a hypervisor shows a machine of its own, where others are complete', async () => {
    const bare = async (flags: string[]) => describeHost(await readText(node(flags))).isBareMetal;
    expect(await bare([...EVERY, 'AVX'])).toBe(true);
    expect(await bare(['AVX'])).toBe(undefined);
    expect(await bare(['AVX', 'HYPERVISOR'])).toBe(false);
  });

  it.each<[string, unknown, Presence]>([
    ['of a release that knew the flag', node([...EVERY, 'AVX'], { version: 'v0.17.4' }), ABSENT],
    ['of one that did not', node([...EVERY, 'AVX'], { version: 'v0.16.9' }), UNKNOWN],
    ['of one that is not told', node([...EVERY, 'AVX']), UNKNOWN],
    ['of one that labels show', node([...EVERY, 'AVX', 'AMXCOMPLEX']), ABSENT],
    ['of one that is no release', node([...EVERY, 'AVX'], { version: 'undefined' }), UNKNOWN],
    ['of a changed configuration', node(['AVX', 'AVX2'], { version: 'v0.18.3' }), UNKNOWN],
    [
      'of a configuration that keeps one back',
      node(['X87', 'FXSR'], { version: 'v0.18.3' }),
      UNKNOWN,
    ],
  ])('%s', async (_, value, presence) =>
    expect(describeHost(await readText(value)).hardware('avx_vnni_int16')).toBe(presence),
  );

  it('of AMX says nothing where AVX-512 has no state', async () => {
    const amx: FeatureName[] = ['amx_tile', 'amx_int8'];
    const version = 'v0.16.0';
    const hardware = async (flags: string[]) =>
      describeHost(await readText(node([...EVERY, 'AVX', ...flags], { version }))).hardware(
        'amx_tile',
      );
    expect(await hardware([])).toBe(UNKNOWN);
    expect(await hardware(['AVX512F'])).toBe(ABSENT);
    expect(
      await presences(
        node([...EVERY, 'AVX512F', 'AMXTILE', 'XSAVE', 'XSAVEC', 'XSAVES', 'XGETBV1'], { version }),
        amx,
      ),
    ).toEqual({
      amx_tile: UNKNOWN,
      amx_int8: ABSENT,
    });
  });

  it('of a level is made up for by the level itself', async () => {
    const names: FeatureName[] = ['popcnt', 'sse4_2', 'bmi2', 'f16c', 'abm', 'avx2', 'osxsave'];
    expect(await presences(node(['X86_64_V2', 'X86_64_V3']), names)).toEqual(all(PRESENT, names));
    expect(await presences(node(['X86_64_V2']), ['popcnt', 'bmi2'])).toEqual({
      popcnt: PRESENT,
      bmi2: UNKNOWN,
    });
  });
});

describe('labels', () => {
  it.each([
    ['with another value than true', { [`${FLAG}RTM`]: 'false' }, 'rtm' as const],
    [
      'of flags that are not known',
      { [`${FLAG}__proto__`]: 'true', [`${FLAG}toString`]: 'true' },
      'rtm' as const,
    ],
    ['of another domain', { 'example.com/cpu-cpuid.RTM': 'true' }, 'rtm' as const],
  ])('%s tell nothing', async (_, labels, name) =>
    expect(await presences(node(['AVX'], { labels }), [name])).toEqual({ [name]: UNKNOWN }),
  );

  it('with the version of AVX10 give it', async () => {
    const value = node([...EVERY, 'AVX', 'AVX512F'], { labels: { [`${FLAG}AVX10_VERSION`]: '2' } });
    expect(describeHost(await readText(value)).fieldValue('avx10_version')).toBe(2);
  });

  it('of a family that is no number leave it open', async () => {
    const labels = {
      'feature.node.kubernetes.io/cpu-model.family': 'six',
      'feature.node.kubernetes.io/cpu-model.id': '106',
      'feature.node.kubernetes.io/cpu-model.vendor_id': 'VIA',
    };
    const { signature, vendor } = describeHost(await readText(node(['AVX'], { labels })));
    expect([signature, vendor]).toEqual([undefined, undefined]);
  });
});

describe('a list of nodes', () => {
  const each = async (value: unknown) =>
    (await readEachHost('input', bytesOf(value))).map((read) => read());

  it('holds one host an item', async () => {
    const hosts = await each(fixtureJson('nodes'));
    expect(hosts.map(({ name }) => name)).toEqual(['pool-a-1', 'pool-b-1']);
    expect(hosts[0]).toEqual(await readText(fixtureJson('node')));
  });

  it('is refused where one host is asked for, with their names', async () => {
    const error = await failureOf(fixtureJson('nodes'));
    expect([error.code, error.message]).toEqual([
      'several-hosts',
      'holds 2 hosts: pool-a-1, pool-b-1',
    ]);
  });

  it.each([
    ['with one node', { kind: 'List', items: [node(['AVX'])] }],
    ['as the API gives it', { kind: 'NodeList', items: [{ ...node(['AVX']), kind: undefined }] }],
    [
      'with other things in it',
      { kind: 'List', items: [{ kind: 'Pod', metadata: { name: 'x' } }, node(['AVX'])] },
    ],
  ])('%s is that host', async (_, value) => expect((await readText(value)).name).toBe('web-7'));

  it('gives the others where one tells nothing', async () => {
    const value = changed(fixtureJson('nodes'), ({ items }) => {
      items[0].metadata.labels = {};
    });
    const [first, second] = await readEachHost('input', bytesOf(value));
    expect(() => first?.()).toThrow(/"pool-a-1" has no label of Node Feature Discovery/);
    expect(second?.().name).toBe('pool-b-1');
  });
});

describe('refused is', () => {
  it.each<[string, unknown, RegExp]>([
    ['a node without such labels', node([]), /"web-7" has no label of Node Feature Discovery/],
    ['a node without any', { kind: 'Node', metadata: { name: 'web-7' } }, /has no label/],
    [
      'a node of another architecture',
      changed(node(['AVX']), ({ metadata }) => {
        metadata.labels['kubernetes.io/arch'] = 'arm64';
      }),
      /of another architecture: "arm64"/,
    ],
    ['a list without nodes', { kind: 'List', items: [{ kind: 'Pod' }] }, /holds no node/],
    ['an empty list', { kind: 'NodeList', items: [] }, /holds no node/],
    ['a label that is no text', node(['AVX'], { labels: { [`${FLAG}AVX2`]: true } }), /string/],
    ['items that are none', { kind: 'List', items: 5 }, /array/],
  ])('%s', async (_, value, message) => expect((await failureOf(value)).message).toMatch(message));

  it('something of another kind, as a format that is not known', async () =>
    expect((await failureOf({ kind: 'Deployment', metadata: {} })).code).toBe('unknown-format'));
});

describe('a NodeFeature', () => {
  const nodeFeature = (flags: readonly string[], changes: object = {}) => ({
    apiVersion: 'nfd.k8s-sigs.io/v1alpha1',
    kind: 'NodeFeature',
    metadata: {
      name: 'web-7-of-nfd',
      labels: { 'nfd.node.kubernetes.io/node-name': 'web-7' },
      annotations: { [VERSION]: 'v0.18.3' },
    },
    spec: {
      features: {
        flags: {
          'cpu.cpuid': { elements: Object.fromEntries(flags.map((flag) => [flag, {}])) },
          'kernel.loadedmodule': { elements: { kvm: {} } },
        },
        attributes: {
          'cpu.model': { elements: { vendor_id: 'AMD', family: '25', id: '1' } },
        },
        instances: {},
      },
      labels: {},
    },
    ...changes,
  });
  const HAS = [...EVERY, 'SSE', 'SSE2', 'SSE3', 'AVX', 'AVX2', 'BMI2', 'POPCNT', 'SHA', 'XSAVE'];

  it('is the node that it is of, and says whose CPU it is', async () => {
    const host = await readText(nodeFeature(HAS));
    const { vendor, signature } = describeHost(host);
    expect([host.name, vendor]).toEqual(['web-7', 'AuthenticAMD']);
    expect(signature).toEqual({ family: 25, model: 1, stepping: undefined });
  });
  it('tells of flags that have no label by default, there or not', async () => {
    expect(await presences(nodeFeature(HAS), ['popcnt', 'bmi2', 'sha_ni'])).toEqual(
      all(PRESENT, ['popcnt', 'bmi2', 'sha_ni']),
    );
    const told: FeatureName[] = ['rdrand', 'f16c', 'sse4_2', 'avx512f'];
    expect(await presences(nodeFeature(HAS), told)).toEqual(all(ABSENT, told));
    // The labels of the same node leave them open.
    expect(await presences(node(HAS, { version: 'v0.18.3' }), ['rdrand', 'f16c'])).toEqual(
      all(UNKNOWN, ['rdrand', 'f16c']),
    );
  });
  it('says nothing of what has no flag there', async () => {
    expect(await presences(nodeFeature(HAS), ['clwb', 'pku'])).toEqual(
      all(UNKNOWN, ['clwb', 'pku']),
    );
  });
  it.each(['List', 'NodeFeatureList'])('of a %s is a host an item', async (kind) => {
    const items = [nodeFeature(HAS), nodeFeature(EVERY, { metadata: { name: 'web-8' } })];
    const bare = items.map(({ kind: _, ...item }) => item);
    const list = { kind, items: kind === 'List' ? items : bare };
    const hosts = (await readEachHost('x', bytesOf(list))).map((read) => read().name);
    expect(hosts).toEqual(['web-7', 'web-8']);
  });
  it.each([
    ['without flags', nodeFeature([]), /no label/],
    ['with a list for flags', nodeFeature(HAS, { spec: { features: { flags: [] } } }), /object/],
    [
      'with an odd model',
      nodeFeature(HAS, {
        spec: { features: { attributes: { 'cpu.model': { elements: { id: 7 } } } } },
      }),
      /string/,
    ],
  ])('%s is refused', async (_, value, message) => {
    expect((await failureOf(value)).message).toMatch(message);
  });
});
