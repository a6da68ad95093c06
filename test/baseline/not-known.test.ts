/**
 * What isn't known is undefined in values, and null in files alone: what compares with the other of the
 * two takes it for known.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { kindId, kindKey, kindOf } from '../../src/baseline/host-kind.js';
import { restoreKind, storeBaseline } from '../../src/baseline/stored.js';
import { readHost } from '../../src/formats/index.js';
import { describeHost } from '../../src/model/capabilities.js';
import { root } from '../cli/run.js';

/** Where null is a file's: the shapes of JSON, and texts that are hashed as they stand in files. */
const AT_THE_EDGE = [
  'baseline/agreements.ts',
  'baseline/drop-reasons.ts',
  'baseline/host-kind.ts',
  'baseline/stored.ts',
];
const ROOMS = ['baseline', 'criu', 'export', 'judge', 'mask'];

/** Without comments, texts, and what JSON.stringify and RegExp call null. */
function code(file: string): string {
  return readFileSync(join(root, 'src', file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    .replace(/JSON\.stringify\((?:[^()]|\([^()]*\))*\)/g, '');
}

describe('what is not known', () => {
  it.each(
    ROOMS.flatMap((room) =>
      readdirSync(join(root, 'src', room), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => `${room}/${name}`),
    ).filter((file) => !AT_THE_EDGE.includes(file)),
  )('is never null in src/%s', (file) => {
    expect(code(file)).not.toMatch(/\bnull\b/);
  });

  it('is compared with null nowhere that a baseline is read', () => {
    expect(code('formats/baseline.ts')).not.toMatch(/[!=]== null/);
  });

  it('is null in a baseline file, and the same kind of hosts when it is read', async () => {
    const avx512 = ['fpu', 'xsave', 'avx', 'avx512f'].join(' ');
    const text =
      'processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 254\nstepping\t: 4\n' +
      `flags\t\t: ${avx512} cpuid\n\n`;
    const kind = kindOf(describeHost(await readHost('a.txt', Buffer.from(text))));
    expect(kind.areaBytes).toBeUndefined();
    expect(kind.components.find(({ bit }) => bit === 5)).toMatchObject({ size: undefined });

    const baseline = baselineOf(
      clusterOf([describeHost(await readHost('a.txt', Buffer.from(text)))]),
    );
    const stored = JSON.parse(JSON.stringify(storeBaseline(baseline)));
    const [hosts] = stored.hosts;
    expect(hosts.xsave.size).toBeNull();
    expect(hosts.xsave.components.find((one: { bit: number }) => one.bit === 5)).toEqual({
      bit: 5,
      name: 'opmask',
      size: null,
      offset: null,
      aligned: null,
    });
    const restored = restoreKind(hosts, kind.features, kind.unknown);
    expect(restored).toEqual(kind);
    expect([kindKey(restored), kindId(restored)]).toEqual([kindKey(kind), hosts.id]);
  });
});
