/**
 * Containers of Podman, checkpointed on one host and restored on another, with the hooks that "cpugate install"
 * writes. It wants Podman with runc and a CRIU from release 4 on: worlds.ts says where that is looked for.
 * Debian's crun is built without CRIU.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isHere } from '../export/tools.js';
import { runInGuest } from './lab.js';
import { fillShare, makeBaseline } from './pairs.js';
import { canMovePrograms, otherCriu } from './worlds.js';

const canMove =
  canMovePrograms &&
  otherCriu !== undefined &&
  isHere('podman', '--version') &&
  isHere('runc', '--version');

describe.skipIf(!canMove)('containers of Podman that move', () => {
  let share = '';
  let left = '';
  let arrived = '';

  async function runScript(cpu: string, step: string): Promise<string> {
    const script = (name: string) => join(share, 'scripts', name);
    const environment = { CPUGATE: `node ${join(share, 'cpugate/dist/cpugate.cjs')}` };
    const guest = { cpu, cpus: 2, shares: [share], environment, seconds: 400 };
    const words = [share, join(share, 'pool.json'), 'runc', otherCriu ?? '', step];
    const command = ['sh', script('at-root.sh'), 'sh', script('podman-move.sh'), ...words];
    return (await runInGuest(guest, command)).output;
  }

  beforeAll(async () => {
    share = mkdtempSync(join(tmpdir(), 'cpugate-podman-'));
    fillShare(share);
    makeBaseline(share, ['SandyBridge', 'Haswell', 'Haswell,+pku']);
    left = await runScript('Haswell', 'leave');
    arrived = await runScript('SandyBridge', 'arrive');
  }, 900_000);
  afterAll(() => rmSync(share, { recursive: true, force: true }));

  function said(output: string, name: string): string {
    const line = output.split('\n').find((one) => one.startsWith(`MOVE ${name} `));
    return line?.slice(`MOVE ${name} `.length) ?? `no line "${name}" in:\n${output}`;
  }

  test('are exported, masked or not', () => {
    for (const file of ['bare.tar.gz', 'running.tar', 'masked.tar.zst'])
      expect([file, said(left, `export-${file}`)]).toEqual([file, expect.stringMatching(/^0 /)]);
    expect(said(left, 'left')).toBe('0');
  });

  test('one that goes on after its checkpoint is under its mask', () => {
    expect(said(left, 'left-running').trim()).toBe('1 cpugate-supervi');
  });

  test('a program that was executed in one and has ended is no reason to refuse it', () => {
    expect(said(left, 'exec')).toMatch(/^1\.ecx=/);
    for (const file of ['running.tar', 'masked.tar.zst'])
      expect(said(arrived, `check-${file}`)).toMatch(/^0 .*: compatible \(tasks under /);
  });

  test('one without a mask is refused, and cpugate why says what Podman does not', () => {
    expect(said(arrived, 'check-bare.tar.gz')).toMatch(/^1 .*: incompatible/);
    expect(said(arrived, 'import-bare.tar.gz')).toMatch(/^125 .*type NOTIFY errno 0/);
    expect(said(arrived, 'left')).toBe('0');
    expect(said(arrived, 'why')).toMatch(
      /hook criu pre-restore .*: incompatible .*instruction-missing .*avx2/,
    );
  });

  test('comes back under its mask, and what it starts is, too', () => {
    expect(said(arrived, 'import-masked.tar.zst')).toMatch(/^0 /);
    expect(said(arrived, 'tracers').trim()).toBe('1 cpugate-supervi');
    // The area's size is the pool's largest, not this host's.
    expect(said(arrived, 'result')).toMatch(/^ok;before (.* d\.ebx=2696);now +\1;child +\1;;?$/);
  });

  test('moves once more from there', () => {
    expect(said(arrived, 'export-again.tar.zst')).toMatch(/^0 /);
    expect(said(arrived, 'import-again.tar.zst')).toMatch(/^0 /);
    expect(said(arrived, 'second-tracers').trim()).toBe('1 cpugate-supervi');
    expect(said(arrived, 'second-result')).toMatch(
      /^ok;before (.* d\.ebx=2696);now +\1;child +\1;;?$/,
    );
  });
});
