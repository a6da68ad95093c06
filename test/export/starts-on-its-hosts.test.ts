import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf, mergeClusters } from '../../src/baseline/cluster.js';
import { EVERY_64_BIT_CPU, type FeatureName, featureRow, ROWS } from '../../src/catalogue/index.js';
import {
  MODEL_KERNEL_FEATURES,
  modelKernelFeatures,
} from '../../src/catalogue/model-kernel-features.js';
import { QEMU_FLOOR, QEMU_MODELS } from '../../src/catalogue/qemu-models.js';
import { libvirt as libvirtTarget } from '../../src/export/libvirt.js';
import { qemuCpu, qemu as qemuTarget } from '../../src/export/qemu.js';
import { type Capabilities, describeHost } from '../../src/model/capabilities.js';
import { rowsFromFeatures } from '../../src/model/from-features.js';
import { isUserVisible } from '../../src/model/prerequisites.js';
import { ABSENT } from '../../src/model/xsave.js';
import { fileText, readText } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, seen } from '../hosts.js';
import { hostOf, names as profiles } from '../profiles/load.js';
import { corpusHosts, corpusIsHere } from './examples.js';
import { askQemu, qemuVersion } from './qemu-tool.js';
import { asFile } from './tools.js';

const libvirt = asFile(libvirtTarget);
const qemu = asFile(qemuTarget);

const nameless = new Set<FeatureName>([...EVERY_64_BIT_CPU, 'hypervisor']);
const spelled = (project: 'qemu' | 'libvirt') =>
  new Map(ROWS.flatMap((row) => (row.names?.[project] ? [[row.names[project], row.name]] : [])));
const BY_QEMU = spelled('qemu');
const BY_LIBVIRT = spelled('libvirt');

/** By QEMU's own facts, as the tables have them; bits behind a register that no record has stand as "arch_capabilities". */
function askedByQemu(argument: string): Set<FeatureName> {
  const [name = '', ...changes] = argument.split(',');
  const model = QEMU_MODELS.find((one) => one.name === name);
  const asked = new Set<FeatureName>([...(model?.features ?? []), ...modelKernelFeatures(name)]);
  for (const change of changes.filter((one) => one !== 'enforce')) {
    const feature = BY_QEMU.get(change.slice(1));
    if (feature === undefined) throw new Error(`${change} names nothing`);
    if (change.startsWith('+')) asked.add(feature);
    else asked.delete(feature);
  }
  return asked;
}

const MAP = '/usr/share/libvirt/cpu_map';
const mapIsHere = existsSync(join(MAP, 'index.xml'));

function mapped(model: string): string[] {
  const xml = readFileSync(join(MAP, `x86_${model}.xml`), 'utf8');
  const base = /<model name='([^']+)'\/>/.exec(xml)?.[1];
  const own = [...xml.matchAll(/<feature name='([^']+)'[^>]*\/>/g)].map(([, name = '']) => name);
  return base === undefined ? own : [...mapped(base), ...own];
}

function askedByLibvirt(xml: string, modelHas: (name: string) => readonly string[]): Set<string> {
  const policies = (kind: string) =>
    [...xml.matchAll(new RegExp(`policy='${kind}' name='([^']+)'`, 'g'))].map(
      ([, name = '']) => name,
    );
  const model = /<model fallback='forbid'>([^<]+)</.exec(xml)?.[1] ?? '';
  const asked = new Set([...modelHas(model), ...policies('require')]);
  for (const name of policies('disable')) asked.delete(name);
  return asked;
}

function tabled(libvirtName: string): string[] {
  const model = QEMU_MODELS.find((one) => one.libvirt === libvirtName);
  if (model === undefined) throw new Error(`no model ${libvirtName}`);
  return [...model.features, ...modelKernelFeatures(model.name)].flatMap(
    (name) => featureRow(name).names?.libvirt ?? [],
  );
}

/** What a machine asks for and one of the hosts is known to lack. */
function missing(hosts: readonly Capabilities[], asked: Iterable<FeatureName | undefined>) {
  return [...asked].filter(
    (name) =>
      name !== undefined &&
      !nameless.has(name) &&
      hosts.some((host) => host.hardware(name) === ABSENT),
  );
}

function checkAll(hosts: readonly Capabilities[], title: string) {
  const baseline = baselineOf(clusterOf(hosts));
  for (const release of [QEMU_FLOOR, '8.0', '8.1']) {
    const asked = askedByQemu(qemuCpu(baseline, release).argument);
    expect(missing(hosts, asked), `${title}, QEMU ${release}`).toEqual([]);
    expect(asked, title).not.toContain('arch_capabilities');
  }
  const xml = `${libvirt.write(baseline, {}).content}`;
  const names = [...askedByLibvirt(xml, tabled)].map((name) => BY_LIBVIRT.get(name));
  expect(missing(hosts, names), `${title}, libvirt`).toEqual([]);
  if (!mapIsHere) return;
  const own = [...askedByLibvirt(xml, mapped)].map((name) => BY_LIBVIRT.get(name));
  expect(missing(hosts, own), `${title}, libvirt's own map`).toEqual([]);
}

/** A host that tells of each feature, for kernels as well, whether it is there. */
function host(features: readonly FeatureName[], plan: Partial<HostPlan> = {}): Capabilities {
  const all = [
    ...features,
    ...features.filter((name) => name === 'xsave').map(() => 'osxsave' as const),
  ];
  const leaves = rowsFromFeatures(new Set(all), (row) => !isUserVisible(row.name));
  return seen({ ...HASWELL, ...plan, features: all.filter(isUserVisible), leaves });
}

const MITIGATED: readonly FeatureName[] = [
  ...(QEMU_MODELS.find(({ name }) => name === 'Haswell-v4')?.features ?? []),
  ...modelKernelFeatures('Haswell-v4'),
];
const without = (lost: FeatureName) =>
  host(
    MITIGATED.filter((one) => one !== lost),
    { name: `without ${lost}` },
  );

describe('a machine starts on the host that it was made from', () => {
  it.each(profiles.map((name) => [name]))('%s', (name) => {
    checkAll([describeHost(hostOf(name))], name);
  });
  it('of each host that lacks one bit that its model has', () => {
    for (const { name, vendor, features, libvirt: named } of QEMU_MODELS)
      if (named !== undefined)
        for (const lost of modelKernelFeatures(name)) {
          const kernel = [...modelKernelFeatures(name)].filter((one) => one !== lost);
          const one = host([...features, ...kernel], vendor === undefined ? {} : { vendor });
          checkAll([one], `${name} without ${lost}`);
        }
  });
  it('of two hosts that lack another bit each', () => {
    checkAll([without('spec_ctrl'), without('x2apic')], 'two');
    const { content } = qemu.write(baselineOf(clusterOf([without('pcid'), without('x2apic')])), {});
    expect(content).toMatch(/^-cpu Haswell-v4,-pcid,-x2apic,enforce$/m);
  });
  it.skipIf(!corpusIsHere)('of every published dump', () => {
    const hosts = corpusHosts().map((one) => describeHost(one));
    for (const one of hosts) checkAll([one], one.name);
    for (let at = 7; at < hosts.length; at += 7)
      checkAll([hosts[at - 7] as Capabilities, hosts[at] as Capabilities], `pair ${at}`);
  });
});

describe('the choice of a model', () => {
  const argumentOf = (...hosts: readonly Capabilities[]) =>
    qemuCpu(baselineOf(clusterOf(hosts)), QEMU_FLOOR).argument;
  it('is that with the mitigations where all hosts have them, and that without where one lacks them', () => {
    expect(argumentOf(host(MITIGATED))).toBe('Haswell-v4,enforce');
    expect(argumentOf(without('spec_ctrl'))).toBe('Haswell-v2,enforce');
    expect(argumentOf(host(MITIGATED), without('spec_ctrl'))).toBe('Haswell-v2,enforce');
  });
  it('says what it turned off, and what no record tells', () => {
    expect(qemu.write(baselineOf(clusterOf([without('x2apic')])), {}).said.join('\n')).toContain(
      'Turned off, for the model has it and not every host: x2apic.',
    );
    const { said } = libvirt.write(baselineOf(clusterOf([describeHost(hostOf('haswell'))])), {});
    expect(said.join('\n')).toMatch(/some records leave open: .*spec-ctrl/);
  });
  it('is the same from a file, and from files that are merged', () => {
    const one = clusterOf([without('pcid')]);
    const other = clusterOf([without('smep')]);
    const read = (cluster: typeof one) => readText(fileText(baselineOf(cluster))).cluster;
    for (const cluster of [
      mergeClusters([one, other]),
      mergeClusters([read(one), read(other)]),
      read(mergeClusters([other, one])),
    ])
      expect(qemuCpu(baselineOf(cluster), QEMU_FLOOR).argument).toBe(
        'Haswell-v4,-pcid,-smep,enforce',
      );
  });
  it('of a file that says nothing of kernels keeps the model whole, and says so', () => {
    const text = fileText(baselineOf(clusterOf([without('spec_ctrl')])));
    const { kernel, ...hosts } = JSON.parse(text).hosts[0];
    expect(kernel.lacked).toContain('spec_ctrl');
    const older = readText(JSON.stringify({ ...JSON.parse(text), hosts: [hosts] }));
    expect(qemuCpu(older.baseline, QEMU_FLOOR).argument).toBe('Haswell-v4,enforce');
    expect(qemu.write(older.baseline, {}).said.join('\n')).toContain('some records leave open');
  });
  it.each([
    ['a feature that nobody knows', { had: ['frobnicate'], lacked: [] }, /knows no feature/],
    ['one that is there and missing', { had: ['nx'], lacked: ['nx'] }, /both/],
    ['a list of another type', { had: 'nx', lacked: [] }, /must be array/],
  ])('a file with %s is refused', (_, kernel, message) => {
    const text = fileText(baselineOf(clusterOf([host(MITIGATED)])));
    const file = JSON.parse(text);
    file.hosts[0].kernel = kernel;
    expect(() => readText(JSON.stringify(file))).toThrow(message);
  });
});

describe('the table', () => {
  it('has every model, and nothing that tasks see', () => {
    for (const { name } of QEMU_MODELS) expect(modelKernelFeatures(name).size).toBeGreaterThan(11);
    for (const name of MODEL_KERNEL_FEATURES) {
      expect(isUserVisible(name), name).toBe(false);
      expect(featureRow(name).names?.qemu, name).toBeDefined();
      expect(featureRow(name).names?.libvirt, name).toBeDefined();
    }
  });
  it.skipIf(qemuVersion !== '7.2' || !mapIsHere)("is QEMU's and libvirt's own", () => {
    const known = QEMU_MODELS.filter(({ since }) => since === undefined);
    const { returned } = askQemu(
      ['-machine', 'none'],
      known.map(({ name }) => ({
        execute: 'query-cpu-model-expansion',
        arguments: { type: 'full', model: { name } },
      })),
    );
    known.forEach(({ name, libvirt: named }, place) => {
      const { model } = returned[place] as { model: { props: Record<string, unknown> } };
      const both = [
        ...[...BY_QEMU].filter(([key]) => model.props[key] === true).map(([, one]) => one),
        ...(named === undefined ? [] : mapped(named).map((one) => BY_LIBVIRT.get(one))),
      ].filter((one) => one !== undefined && !isUserVisible(one) && one !== 'hypervisor');
      expect([...modelKernelFeatures(name)].sort(), name).toEqual([...new Set(both)].sort());
    });
  });
  it.skipIf(qemuVersion === undefined)(
    'QEMU asks for nothing behind a register where arch-capabilities is off',
    () => {
      const get = (name: string) => ({
        execute: 'qom-get',
        arguments: { path: '/machine/unattached/device[0]', property: name },
      });
      const start = (cpu: string) =>
        askQemu(
          ['-accel', 'tcg', '-machine', 'pc', '-m', '32', '-cpu', cpu],
          ['rdctl-no', 'mds-no', 'taa-no', 'arch-capabilities'].map(get),
        ).returned;
      expect(start('Icelake-Server-v6,-arch-capabilities')).toEqual([false, false, false, false]);
    },
  );
});
