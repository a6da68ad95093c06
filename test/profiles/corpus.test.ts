/**
 * Profiles against recorded servers: dumps of the CPUs that a profile speaks of, where a collection
 * is at hand (CPUGATE_SHARED, or ../shared beside the project).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type FeatureName, ROWS } from '../../src/catalogue/index.js';
import { readHost } from '../../src/formats/index.js';
import { type Capabilities, describeHost } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { findLeaf } from '../../src/model/leaves.js';
import { USER_VISIBLE } from '../../src/model/prerequisites.js';
import { hasBit } from '../../src/model/registers.js';
import { ABSENT, PRESENT } from '../../src/model/xsave.js';
import { fileOf, hostOf, names } from './load.js';

const shared =
  process.env.CPUGATE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const folders = ['corpus/instlatx64', 'corpus/instlatx64-more', 'oracles/libvirt'].map((name) =>
  join(shared, name),
);
const present = folders.every((folder) => existsSync(folder));

interface Recorded {
  readonly file: string;
  readonly host: Host;
  readonly seen: Capabilities;
}

/** Leaf 1 ECX bit 31, which hypervisors set: what they hide says nothing about the CPU. */
function isVirtual(host: Host): boolean {
  return host.cpus.some(({ leaves }) => hasBit(findLeaf(leaves, 1, 0)?.ecx ?? 0, 31));
}

const RECORDING = /_CPUID[^/]*\.txt$|x86_64-cpuid-(Xeon|EPYC|Opteron)[^/]*(?<!-host)\.xml$/;

async function readAll(): Promise<Recorded[]> {
  const all: Recorded[] = [];
  for (const folder of folders)
    for (const name of readdirSync(folder).filter((file) => RECORDING.test(file))) {
      const host = await readHost(name, readFileSync(join(folder, name)));
      if (!isVirtual(host)) all.push({ file: name, host, seen: describeHost(host) });
    }
  return all;
}

const recorded = present ? await readAll() : [];

/** Models of one design that a profile speaks for; the stepping tells those of model 85 apart. */
const MODELS: Readonly<
  Record<
    string,
    {
      readonly family: number;
      readonly models: readonly number[];
      readonly steppings?: readonly [number, number];
      /** What is on desks: any brand will do. */
      readonly client?: true;
    }
  >
> = {
  nehalem: { family: 6, models: [26, 46] },
  westmere: { family: 6, models: [44, 47] },
  sandybridge: { family: 6, models: [45] },
  ivybridge: { family: 6, models: [62] },
  haswell: { family: 6, models: [60, 63] },
  broadwell: { family: 6, models: [79, 86] },
  'skylake-sp': { family: 6, models: [85], steppings: [0, 4] },
  cascadelake: { family: 6, models: [85], steppings: [5, 7] },
  cooperlake: { family: 6, models: [85], steppings: [10, 11] },
  'icelake-sp': { family: 6, models: [106] },
  sapphirerapids: { family: 6, models: [143] },
  emeraldrapids: { family: 6, models: [207] },
  graniterapids: { family: 6, models: [173] },
  sierraforest: { family: 6, models: [175] },
  alderlake: { family: 6, models: [151, 154], client: true },
  raptorlake: { family: 6, models: [183, 186, 191], client: true },
  gracemont: { family: 6, models: [190], client: true },
  meteorlake: { family: 6, models: [170], client: true },
  'arrowlake-s': { family: 6, models: [198], client: true },
  'opteron-g3': { family: 16, models: [2, 4, 8, 9] },
  'opteron-g4': { family: 21, models: [1] },
  'opteron-g5': { family: 21, models: [2] },
  'epyc-naples': { family: 23, models: [1] },
  'epyc-rome': { family: 23, models: [49] },
  'epyc-milan': { family: 25, models: [1] },
  'epyc-genoa': { family: 25, models: [17, 160] },
  'epyc-turin': { family: 26, models: [2, 17] },
  'hygon-dhyana': { family: 24, models: [0, 1, 2] },
};

/** Dies that only servers and their workstation editions have, so that the brand doesn't matter. */
const SERVER_DIES = new Set([
  '26.2',
  '6.45',
  '6.62',
  '23.49',
  '25.17',
  '25.160',
  '24.0',
  '24.1',
  '24.2',
]);

function isServer({ file, seen: { brand, signature } }: Recorded): boolean {
  if (/xeon|epyc|opteron/i.test(brand ?? '')) return true;
  // Early parts say "Genuine Intel(R) CPU" where their brand will stand.
  if (/Nehalem-EP|HaswellEP|Beckton/.test(file)) return true;
  return SERVER_DIES.has(`${signature?.family}.${signature?.model}`);
}

function serversOf(name: string): readonly Recorded[] {
  const { vendor } = fileOf(name);
  const wanted = MODELS[name];
  if (wanted === undefined) return [];
  return recorded.filter((one) => {
    const { signature } = one.seen;
    if (signature === undefined || one.seen.vendor !== vendor) return false;
    const [low, high] = wanted.steppings ?? [0, 15];
    return (
      signature.family === wanted.family &&
      wanted.models.includes(signature.model) &&
      low <= (signature.stepping as number) &&
      (signature.stepping as number) <= high &&
      (wanted.client === true || isServer(one))
    );
  });
}

/** Intel CPUs show it to 64-bit programs only, and half of the dumps were taken by 32-bit ones. */
const TOLD_BADLY: readonly FeatureName[] = ['syscall'];

const compared = ROWS.filter(
  (row) => USER_VISIBLE.has(row.class) && !TOLD_BADLY.includes(row.name),
).map((row) => row.name);

/** Profiles without a recorded server; their notes say what they stand on. */
const UNRECORDED = [
  'cooperlake',
  'sapphirerapids',
  'graniterapids',
  'sierraforest',
  'epyc-milan',
  'epyc-turin',
];

describe.skipIf(!present)('recorded servers', () => {
  const models = names.filter((name) => fileOf(name).vendor !== undefined);

  test('every CPU profile knows its models', () => {
    expect(Object.keys(MODELS).sort()).toEqual([...models].sort());
  });

  test('all but the profiles that say so have a recorded server', () => {
    expect(models.filter((name) => serversOf(name).length === 0).sort()).toEqual(
      [...UNRECORDED].sort(),
    );
  });

  describe.each(models.filter((name) => !UNRECORDED.includes(name)))('%s', (name) => {
    const profile = describeHost(hostOf(name));
    const excepted = new Set((fileOf(name).exceptions ?? []).map(({ feature }) => feature));
    const servers = serversOf(name);

    test('claims nothing that a server lacks', () => {
      const wrong = servers.flatMap(({ file, seen }) =>
        compared
          .filter((feature) => profile.effective(feature) === PRESENT)
          .filter((feature) => seen.effective(feature) === ABSENT && !excepted.has(feature))
          .map((feature) => `${feature}: ${file}`),
      );
      expect(wrong).toEqual([]);
    });

    test('misses nothing that all servers show', () => {
      const missed = compared.filter(
        (feature) =>
          profile.effective(feature) !== PRESENT &&
          !excepted.has(feature) &&
          servers.every(({ seen }) => seen.effective(feature) === PRESENT),
      );
      expect(missed).toEqual([]);
    });

    test('leaves out as exceptions only what some CPU shows', () => {
      const shown = (feature: FeatureName) =>
        servers.some(({ host }) =>
          host.cpus.some(
            (cpu) => describeHost({ ...host, cpus: [cpu] }).hardware(feature) === PRESENT,
          ),
        );
      const leftOut = [...excepted].filter(
        (feature) => profile.effective(feature as FeatureName) === ABSENT,
      );
      expect(leftOut.filter((feature) => !shown(feature as FeatureName))).toEqual([]);
    });

    test('lays state out as the servers do', () => {
      for (const { file, seen } of servers)
        for (const { bit, size, offset } of profile.xsave.components) {
          const there = seen.xsave.components.find((component) => component.bit === bit);
          if (there?.offset === undefined) continue;
          expect([file, bit, there.size, there.offset]).toEqual([file, bit, size, offset]);
        }
    });

    test('has the areas of a server with the same components', () => {
      const alike = servers.filter(
        ({ seen }) =>
          seen.xsave.enabled.value === profile.xsave.enabled.value &&
          seen.xsave.offered.value === profile.xsave.offered.value,
      );
      expect(alike.length).toBeGreaterThan(0);
      for (const { file, seen } of alike) {
        expect([file, seen.xsave.areaBytes]).toEqual([file, profile.xsave.areaBytes]);
        expect([file, seen.xsave.offeredBytes]).toEqual([file, profile.xsave.offeredBytes]);
      }
    });

    test('has the cache line and the width of addresses of the servers', () => {
      for (const { file, seen } of servers) {
        if (seen.cacheLineBytes !== undefined)
          expect([file, seen.cacheLineBytes]).toEqual([file, profile.cacheLineBytes]);
        if (seen.linearAddressBits !== undefined)
          expect([file, seen.linearAddressBits]).toEqual([file, profile.linearAddressBits]);
      }
    });
  });
});
