/**
 * Programs dumped on one host and restored on another, by bare CRIU without a mask and by cpugate under
 * a baseline; and dumps and restores in which somebody is killed. docs/pair-matrix.md has all pairs.
 *
 * CPUGATE_OTHER_ROOT=FOLDER does the first again on Linux 7.2 with the CRIU of another file tree (made by
 * debootstrap --include=criu,nodejs,procps).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isHere } from '../export/tools.js';
import { projectRoot, runInGuest } from './lab.js';
import { isMiss, type JudgedPair, judgeRun, maskHolds, reasonsOf } from './pair-matrix.js';
import { fillShare, makeBaseline, type PairPlan, runPairs } from './pairs.js';
import { canMovePrograms, WORLDS } from './worlds.js';

const HOSTS = ['SandyBridge', 'Haswell', 'Haswell,+pku'];
const ENGINES = ['runc', 'crun'].filter((engine) => isHere(engine, '--version'));

describe.each(WORLDS)('$name', ({ criu, guest, runs }) => {
  describe.skipIf(!(canMovePrograms && runs))('programs that move', () => {
    let share = '';
    let pairs: JudgedPair[] = [];
    const at = (source: string, target: string) =>
      pairs.find((one) => one.source === source && one.target === target);

    beforeAll(async () => {
      share = mkdtempSync(join(tmpdir(), 'cpugate-restore-'));
      fillShare(share);
      const plan: PairPlan = {
        share,
        hosts: HOSTS,
        baseline: makeBaseline(share, HOSTS),
        guest: { ...guest, seconds: 400 },
      };
      pairs = judgeRun(plan, await runPairs(plan), criu);
    }, 900_000);
    afterAll(() => rmSync(share, { recursive: true, force: true }));

    test('without a mask, what goes wrong had been refused', () => {
      expect(pairs).toHaveLength(HOSTS.length ** 2);
      expect(pairs.filter(isMiss)).toEqual([]);
    });

    test('without a mask, AVX2 is missed and a larger XSAVE area runs over its buffer', () => {
      expect(at('Haswell', 'SandyBridge')?.bare).toMatchObject({ became: 'died' });
      expect(at('Haswell', 'Haswell,+pku')?.bare).toMatchObject({
        became: 'wrong',
        detail: expect.stringContaining('XSAVE wrote beyond its buffer'),
      });
    });

    test('without a mask, a signal frame of a larger layout loses its registers', () => {
      expect(at('Haswell,+pku', 'Haswell')?.bare).toMatchObject({
        became: 'wrong',
        detail: expect.stringContaining('a vector register changed'),
      });
    });

    test('under the baseline every move works, there and back, and the mask holds', () => {
      for (const { source, target, masked, calm, back } of pairs) {
        const name = `${source} → ${target}`;
        const moved = calm ?? masked;
        expect([name, moved?.became], moved?.detail).toEqual([name, 'ok']);
        expect(moved && maskHolds(moved), `${name}: ${JSON.stringify(moved?.seen)}`).toBe(true);
        if (back !== undefined)
          expect([name, back.became, maskHolds(back)]).toEqual([name, 'ok', true]);
      }
      expect(pairs.some(({ back }) => back !== undefined)).toBe(true);
    });

    test('under the baseline, only a running handler whose frame is too large is refused', () => {
      const refused = pairs.filter(({ maskedReport }) => maskedReport?.permitted !== true);
      expect(
        refused.map(({ source, target, masked, maskedReport }) => [
          source,
          target,
          masked?.became,
          maskedReport && reasonsOf(maskedReport),
        ]),
      ).toEqual(
        ['SandyBridge', 'Haswell'].map((target) => [
          'Haswell,+pku',
          target,
          'refused',
          'signal-frame-layout',
        ]),
      );
    });
  });
});

/** What kills.sh says of each: who is left, and what a second try does. */
const KILLS = [
  // The tasks that a dump doesn't take go on under their mask; its images have no record.
  ['dump pre-dump cpugate', /status=137 tasks=0 criu=0 .* record=record/],
  ['dump post-dump refuse', /status=2 tasks=1 cpugate-supervi [SR] .* record=none second=ok/],
  ['dump post-dump criu', /status=2 tasks=1 cpugate-supervi [SR] .* record=none second=ok/],
  ['dump post-dump supervisor', /status=0 tasks=0 .* record=record/],
  ['restore post-restore refuse', /status=2 tasks=0 criu=0 guard=0/],
  ['restore post-restore criu', /status=2 tasks=0 criu=0 guard=0 .*step "CRIU"/],
  ['restore post-restore cpugate', /tasks=0 criu=0 guard=0/],
  ['restore pre-resume criu', /status=2 tasks=0 criu=0 guard=0/],
  ['restore pre-resume cpugate', /tasks=0 criu=0 guard=0/],
  ['restore post-resume cpugate', /tasks=0 criu=0 guard=0/],
  ['restore start supervisor', /tasks=0 criu=0 guard=0/],
  ['restore none nobody', /status=0 tasks=1 cpugate-supervi [SR]/],
  ['restore work supervisor', /tasks=0 /],
  ['second try', /status=0 ok/],
] as const;

describe.skipIf(!canMovePrograms)('whoever is killed', () => {
  let share = '';
  let output = '';

  beforeAll(async () => {
    share = mkdtempSync(join(tmpdir(), 'cpugate-kills-'));
    fillShare(share);
    const baseline = makeBaseline(share, HOSTS);
    const environment = { CPUGATE: `node ${join(share, 'cpugate/dist/cpugate.cjs')}` };
    const guest = { cpu: 'Haswell', cpus: 2, shares: [share], environment, seconds: 600 };
    const script = join(share, 'scripts/kills.sh');
    output = (await runInGuest(guest, ['sh', script, share, baseline])).output;
  }, 900_000);
  afterAll(() => rmSync(share, { recursive: true, force: true }));

  test.each(KILLS)('%s', (name, left) => {
    const line = output.split('\n').find((one) => one.startsWith(`KILL ${name} `));
    expect(line ?? output).toMatch(left);
  });

  test('images stay as they were', () => {
    expect(output).not.toContain('CHANGED');
  });
});

/** Of the scripts' lines "HOOK masked …": what is behind the name. */
function lineOf(output: string, name: string): string {
  const line = output.split('\n').find((one) => one.startsWith(`${name} `));
  return line ?? `no line "${name}" in:\n${output}`;
}

/** What let-go.sh says of tasks that were under a mask. */
const LET_GO = [
  ['masked', /status=0 record=cpuid-faulting late=no /],
  ['masked-silent', /status=0 record=cpuid-faulting late=no /],
  [
    'detached-claimed',
    /status=2 record=none-there late=no said=.*is not under a mask, although --mask/,
  ],
  ['detached', /status=0 record=none late=no /],
  ['restored', /state=[RS]$/],
  ['attach-said', /^LET-GO attach-said Process \d+ is under the mask .*cpugate detach --pid \d+ /],
  [
    'attached',
    /status=0 record=none late=\S+\.json said=.*came under the mask of \S+ while they ran/,
  ],
  ['attached-silent', /status=0 record=none late=\S+\.json said=.*came under the mask/],
  ['late-checked', /status=0 .*Tasks came under the mask of \S+ while they ran/],
] as const;

describe.skipIf(!canMovePrograms)('who reads the real CPU', () => {
  let share = '';
  let output = '';
  beforeAll(async () => {
    share = mkdtempSync(join(tmpdir(), 'cpugate-let-go-'));
    fillShare(share);
    const baseline = makeBaseline(share, HOSTS);
    const environment = { CPUGATE: `node ${join(share, 'cpugate/dist/cpugate.cjs')}` };
    const guest = { cpu: 'Haswell', cpus: 2, shares: [share], environment, seconds: 300 };
    const script = join(share, 'scripts/let-go.sh');
    output = (await runInGuest(guest, ['sh', script, share, baseline])).output;
  }, 600_000);
  afterAll(() => rmSync(share, { recursive: true, force: true }));

  test.each(LET_GO)('is in the record: %s', (name, said) => {
    expect(lineOf(output, `LET-GO ${name}`)).toMatch(said);
  });
});

/** The lines of README's migration, without their comments; in a shell on a terminal of its own. */
function readmeLines(): string[] {
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const [, block = ''] = /it moves, and home again:\n\n```sh\n([^`]*)```/.exec(readme) ?? [];
  return block.split('\n').map((line) => line.replace(/ +# on .*$/, ''));
}

describe.skipIf(!canMovePrograms)("README's migration", () => {
  let share = '';
  const outputs: string[] = [];

  async function onTerminal(cpu: string, lines: readonly string[]): Promise<string> {
    const file = join(share, 'lines.sh');
    writeFileSync(file, `set -u\n${lines.join('\n')}\n`);
    const guest = { cpu, cpus: 2, shares: [share], seconds: 200 };
    const command = ['sh', join(share, 'scripts/day.sh'), share, file];
    return (await runInGuest(guest, command)).output;
  }

  beforeAll(async () => {
    share = mkdtempSync(join(tmpdir(), 'cpugate-day-'));
    fillShare(share);
    // As README's first line has it.
    makeBaseline(share, HOSTS);
    const lines = readmeLines();
    const find = (pattern: RegExp) => lines.find((line) => pattern.test(line)) ?? '';
    outputs.push(
      await onTerminal('Haswell', [
        // Numbers that the other guest has free.
        'echo 20000 >/proc/sys/kernel/ns_last_pid',
        find(/^cpugate run /),
        'until [ -s /run/web.pid ] && pgrep -x sleeper >/dev/null; do sleep 0.1; done',
        find(/^cpugate dump /),
        'echo "DAY dumped $?"',
      ]),
      await onTerminal('SandyBridge', [
        find(/^cpugate check /),
        'echo "DAY checked $?"',
        find(/^cpugate restore /),
        'echo "DAY restored $?"',
        'tracer=$(sed -n "s/^TracerPid:\\t//p" "/proc/$(pgrep -x sleeper)/status")',
        'echo "DAY tracer $tracer is $(cat /run/web.pid): $(cat "/proc/$tracer/comm")"',
      ]),
    );
  }, 600_000);
  afterAll(() => rmSync(share, { recursive: true, force: true }));

  test.each([
    [0, /DAY dumped 0/],
    [1, /DAY checked 0/],
    [1, /DAY restored 0/],
    [1, /DAY tracer (\d+) is \1: cpugate-supervi/],
  ])('works as written, on a terminal (%#)', (place, said) => {
    expect(outputs[place]).toMatch(said);
  });
});

describe.skipIf(!canMovePrograms)('hooks', () => {
  let share = '';
  let baseline = '';
  const environment = () => ({ CPUGATE: `node ${join(share, 'cpugate/dist/cpugate.cjs')}` });

  async function runScript(cpu: string, script: string, ...args: string[]): Promise<string> {
    const guest = { cpu, cpus: 2, shares: [share], environment: environment(), seconds: 300 };
    const { output } = await runInGuest(guest, [
      'sh',
      join(share, 'scripts', script),
      share,
      ...args,
    ]);
    return output;
  }

  beforeAll(() => {
    share = mkdtempSync(join(tmpdir(), 'cpugate-hooks-'));
    fillShare(share);
    baseline = makeBaseline(share, HOSTS);
  });
  afterAll(() => rmSync(share, { recursive: true, force: true }));

  test('CRIU that calls cpugate refuses what would die, and masks what was masked', async () => {
    expect(await runScript('Haswell', 'dump.sh', 'Haswell', baseline)).toMatch(/DUMP .* masked 0/);
    const output = await runScript('SandyBridge', 'hooks.sh', 'Haswell');
    expect(lineOf(output, 'HOOK bare')).toMatch(/status=1 tracer= /);
    expect(lineOf(output, 'HOOK masked')).toMatch(/status=0 tracer=cpugate-supervi ok;/);
  }, 600_000);

  test.skipIf(!isHere('podman', '--version')).each(ENGINES)(
    'containers of Podman with %s ask for a mask by its name',
    async (engine) => {
      let output = await runScript('Haswell', 'podman.sh', baseline, engine);
      // Podman's first container in a new guest has hung once, before it asked for any mask: no word
      // about us, so it boots again; what it waited for is shown. Later containers may not hang.
      if (output.includes('PODMAN hangs: ') && !output.includes('PODMAN plain ')) {
        process.stderr.write(`${output}\n${engine}'s first container hangs; it boots again\n`);
        output = await runScript('Haswell', 'podman.sh', baseline, engine);
      }
      const said = (name: string) =>
        lineOf(output, `PODMAN ${name}`)
          .replace(/^PODMAN \S+ /, '')
          .trim();
      expect(said('install')).toMatch(/^0 wrote \/etc\/cpugate\/cluster\.json /);
      const bare = said('bare');
      expect(bare).toContain('d.ebx=832');
      for (const name of ['plain', 'other', 'after'])
        expect([name, said(name)]).toEqual([name, bare]);
      // The area's size is the pool's largest, not this host's.
      for (const name of ['annotation', 'device'])
        expect([name, said(name)]).toEqual([name, expect.stringContaining('d.ebx=2696')]);
      expect(said('tracers')).toBe('2 cpugate-supervi');
      // An engine shows that a hook failed, at most; crun not why.
      expect(said('refused')).toMatch(/hook/);
      expect(said('why')).toMatch(/Z cpugate hook oci .*cluster\.json: /);
      expect(said('removed')).toBe('0 /etc/cpugate');
    },
    700_000,
  );

  test.each(ENGINES)(
    'a container of %s is masked from its start, and so is what enters it later',
    async (engine) => {
      const output = await runScript('SandyBridge', 'oci.sh', baseline, engine);
      expect(lineOf(output, 'OCI tracer')).toBe('OCI tracer cpugate-supervi');
      // The area's size is the pool's largest, not this host's.
      expect(lineOf(output, 'OCI bare')).toContain('d.ebx=832');
      expect(lineOf(output, 'OCI result')).toMatch(/ok;before (.* d\.ebx=2696);now +\1;child +\1;/);
      // What enters it later is under the mask from the supervisor's next look on.
      expect(lineOf(output, 'OCI late-tracer')).toBe('OCI late-tracer cpugate-supervi');
      expect(lineOf(output, 'OCI late')).toMatch(/ok;.*now +(\S.* d\.ebx=2696);child +\1;/);
      expect(lineOf(output, 'OCI left')).toBe('OCI left 0');
    },
    400_000,
  );
});
