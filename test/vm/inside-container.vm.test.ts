/**
 * A JVM in a container that has neither Node nor a compiler, dumped by a CRIU in there and restored in another
 * container on another CPU, by the lines of docs/restoring.md.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cpugate } from '../cli/run.js';
import { isHere } from '../export/tools.js';
import { projectRoot, runInGuest } from './lab.js';
import { copySupervisor, supervisorIsHere } from './masking/supervisor.js';
import { fillShare, makeBaseline } from './pairs.js';
import { canMovePrograms } from './worlds.js';

const HOSTS = ['SandyBridge', 'Haswell', 'Haswell,+pku'];
const canTry =
  canMovePrograms &&
  supervisorIsHere &&
  existsSync('/usr/lib/jvm/java-17-openjdk-amd64/bin/java') &&
  ['podman', 'runc', 'javac'].every((program) => isHere(program, '--version'));

/** The blocks of the section that are typed in containers: where the server is dumped, where it goes on. */
function documentedLines(): [string, string] {
  const docs = readFileSync(join(projectRoot, 'docs/restoring.md'), 'utf8');
  const [, section = ''] = docs.split('\n## CRIU inside a container\n');
  const blocks = [...section.matchAll(/^```sh\n([^`]*)^```$/gm)].map(([, lines = '']) => lines);
  const find = (word: string) => blocks.find((lines) => lines.includes(word)) ?? '';
  return [find('criu dump'), find('criu restore')];
}

const UNTIL_WARM = 'until [ -e /moved/ready ]; do sleep 0.2; done';
const NOTHING_THERE =
  'for p in node gcc cc clang; do command -v $p && echo "SAID $p is there"; done';
const AFTER = [
  'echo "SAID restored $?"',
  '/cpugate/cpugate-supervisor control --pid "$(cat /run/server.pid)" status >/moved/status',
  'touch /moved/go',
  'i=0; until [ -e /moved/result ] || [ $i = 200 ]; do sleep 0.2; i=$((i+1)); done',
  'echo "SAID result $(cat /moved/result)"',
];

describe.skipIf(!canTry)('CRIU inside a container', () => {
  let share = '';
  let outputs: string[] = [];

  async function runStep(cpu: string, step: string): Promise<string> {
    const script = (name: string) => join(share, 'scripts', name);
    const words = [script('at-root.sh'), 'sh', script('inside.sh'), share, join(share, 'classes')];
    const guest = { cpu, kernel: '6.1', cpus: 2, shares: [share], seconds: 400 };
    return (await runInGuest(guest, ['sh', ...words, step])).output;
  }

  beforeAll(async () => {
    share = mkdtempSync(join(tmpdir(), 'cpugate-inside-'));
    fillShare(share);
    for (const folder of ['natives', 'steps', 'classes']) mkdirSync(join(share, folder));
    const pool = makeBaseline(share, HOSTS);
    copySupervisor(join(share, 'natives'));
    const mask = join(share, 'natives/cluster.mask');
    expect(cpugate(['export', pool, '--for', 'supervisor', '-o', mask]).status).toBe(0);
    const source = join(projectRoot, 'test/vm/programs/java/Keeps.java');
    execFileSync('javac', ['--release', '17', '-d', join(share, 'classes'), source]);
    const [dump, restore] = documentedLines();
    const untilWarm = dump.replace(/^# \.\.\. .*$/m, UNTIL_WARM);
    const steps = {
      dump: [NOTHING_THERE, untilWarm, 'echo "SAID dumped $?"'],
      restore: [restore, ...AFTER],
    };
    for (const [name, lines] of Object.entries(steps))
      writeFileSync(join(share, 'steps', name), `${lines.join('\n')}\n`);
    outputs = [await runStep('Haswell', 'dump'), await runStep('SandyBridge', 'restore')];
  }, 900_000);
  afterAll(() => rmSync(share, { recursive: true, force: true }));

  const said = (output: string | undefined) =>
    [...(output ?? '').matchAll(/^SAID (.*)$/gm)].map(([, what]) => what);

  test('a JVM is dumped where there is neither Node nor a compiler', () => {
    expect(said(outputs[0]), outputs[0]).toEqual(['dumped 0']);
  });

  test('the gate says beforehand that it can go on', () => {
    const host = (name: string) => join(projectRoot, 'test/fixtures/pairs', `${name}.json`);
    const check = (to: string, ...more: string[]) =>
      cpugate(['check', '--from', join(share, 'images'), '--to', host(to), ...more]).status;
    expect(check('SandyBridge', '--mask', join(share, 'pool.json'))).toBe(0);
    expect(check('Nehalem', '--mask', join(share, 'pool.json'))).toBe(1);
  });

  test('it goes on where AVX2 is missing, and its children are under the mask', () => {
    // The area's size is the pool's largest, not this host's.
    expect(said(outputs[1]), outputs[1]).toEqual([
      'restored 0',
      expect.stringMatching(/^result ok 1\.ecx=.* d\.ebx=2696$/),
    ]);
    expect(readFileSync(join(share, 'work/status'), 'utf8')).toMatch(/^process \d+ masked$/m);
  });
});
