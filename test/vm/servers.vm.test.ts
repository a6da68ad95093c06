/**
 * Servers as people run them, under a mask and moved twice: from a host to one with less, and to one with a larger
 * XSAVE area. At the first, cpugate is killed while it restores them, and nothing may be left unmasked.
 *
 * CPUGATE_SERVERS=all moves all of servers.ts, and not a few: that takes some ten minutes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runInGuest } from './lab.js';
import { fillShare, makeBaseline } from './pairs.js';
import { prepareServers, SERVERS } from './servers.js';
import { canMovePrograms } from './worlds.js';

const HOSTS = ['SandyBridge', 'Haswell', 'Haswell,+pku'];
const STEPS = [
  ['start', 'Haswell'],
  ['move', 'SandyBridge'],
  ['end', 'Haswell,+pku'],
] as const;

describe.skipIf(!canMovePrograms)('servers that move twice', () => {
  let share = '';
  let output = '';

  beforeAll(async () => {
    share = mkdtempSync(join(tmpdir(), 'cpugate-servers-'));
    fillShare(share);
    const baseline = makeBaseline(share, HOSTS);
    const names = prepareServers(share);
    const environment = { CPUGATE: `node ${join(share, 'cpugate/dist/cpugate.cjs')}` };
    for (const [step, cpu] of STEPS) {
      const guest = { cpu, kernel: '6.1', cpus: 2, shares: [share], environment, seconds: 500 };
      const script = join(share, 'scripts/servers.sh');
      const command = ['sh', script, share, baseline, step, ...names];
      output += (await runInGuest(guest, command)).output;
    }
  }, 1_600_000);
  afterAll(() => rmSync(share, { recursive: true, force: true }));

  function lineOf(name: string, what: string): string {
    const start = `SERVER ${name} ${what} `;
    const line = output.split('\n').find((one) => one.startsWith(start));
    return line?.slice(start.length).trim() ?? `no line "${start}" in:\n${output}`;
  }

  describe.each(SERVERS.map((server) => [server.name, server] as const))('%s', (name, server) => {
    test.skipIf(!server.isHere())('counts on where it is moved to, under its mask', () => {
      const said = (what: string) => lineOf(name, what).replace(/ +/g, ' ');
      expect(said('start')).toMatch(/^said=1 held=cpugate-supervi\b/);
      for (const [step, number] of [
        ['move', 2],
        ['end', 3],
      ] as const) {
        expect(said(`${step}-restore`)).toMatch(/^0\b/);
        expect(said(step)).toBe(`said=${number} held=cpugate-supervi`);
      }
    });

    test.skipIf(!server.isHere())(
      'a restore that is killed leaves nothing, or all of it masked',
      () => {
        expect(lineOf(name, 'killed')).toMatch(/ left=(?:nothing|cpugate-supervi)$/);
      },
    );
  });
});
