/** A file that holds several hosts, where one is asked for and where all are. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpugate, isPlainFailure } from './run.js';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/structured/${name}`, import.meta.url));
const nodes = fixture('kubernetes-nodes.json');
const list = JSON.parse(readFileSync(nodes, 'utf8'));

let folder = '';
const file = (name: string, value: unknown) => {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-several-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a list of nodes', () => {
  it.each([
    ['check', ['check', nodes, 'haswell']],
    ['check, as the target', ['check', 'haswell', nodes]],
    ['convert', ['convert', nodes, '--to', 'profile']],
  ])('is refused by %s, which names the hosts', (_, args) => {
    const outcome = cpugate(args);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toContain('holds 2 hosts: pool-a-1, pool-b-1');
    expect(outcome.err).toContain('kubectl get node NAME -o json');
  });

  it('is two hosts to baseline', () => {
    const { status, out } = cpugate(['baseline', nodes, '--json']);
    expect(status).toBe(0);
    const { features, cluster } = JSON.parse(out).baseline ?? JSON.parse(out);
    expect(JSON.stringify(cluster ?? out)).toMatch(/pool-a-1.*pool-b-1/);
    expect(features).toContain('avx2');
    expect(features).not.toContain('gfni');
  });

  it('is two hosts to baseline line by line', () => {
    const lines = file(
      'lines',
      `${list.items.map((item: unknown) => JSON.stringify(item)).join('\n')}\n`,
    );
    expect(cpugate(['baseline', lines]).out).toContain('Baseline of 2 hosts');
  });

  it('is two hosts to matrix', () => {
    expect(cpugate(['matrix', nodes]).out).toMatch(/pool-a-1[\s\S]*pool-b-1/);
  });

  it('is shown host by host', () => {
    const { status, out } = cpugate(['show', nodes]);
    expect([status, out.match(/^pool-.-1$/gm)]).toEqual([0, ['pool-a-1', 'pool-b-1']]);
  });

  it('is shown as JSON, a host a line', () => {
    const lines = cpugate(['show', nodes, '--json']).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).name)).toEqual(['pool-a-1', 'pool-b-1']);
  });

  it('with a node that tells nothing leaves the others, where that is asked for', () => {
    const bare = { kind: 'Node', metadata: { name: 'control-1', labels: {} } };
    const path = file('bare.json', { ...list, items: [bare, ...list.items] });
    const refused = cpugate(['baseline', path]);
    expect([refused.status, refused.out]).toEqual([2, '']);
    expect(refused.err).toMatch(/"control-1" has no label of Node Feature Discovery/);
    const rest = cpugate(['baseline', path, '--skip-unreadable']);
    expect(rest.out).toContain('Baseline of 2 hosts');
    expect(rest.err).toContain('control-1');
    const shown = cpugate(['show', path]);
    expect([shown.status, shown.out.match(/^pool-.-1$/gm)?.length]).toEqual([2, 2]);
  });
});
