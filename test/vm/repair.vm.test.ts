/**
 * Programs that were never masked, dumped where the XSAVE area is smaller: their glibc takes too little
 * stack for registers when they bind a function after the move, unless "restore --repair" makes it larger.
 * The emulator has no AVX-512; MPX's bounds are what glibc saves more of at the target.
 *
 * CPUGATE_OTHER_ROOT=FOLDER does it again on Linux 7.2, where /proc/PID/mem doesn't write what is read-only,
 * with the CRIU of another file tree (made by debootstrap --include=criu,nodejs,procps).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot, runInGuest } from './lab.js';
import { fillShare } from './pairs.js';
import { canMovePrograms, WORLDS } from './worlds.js';

/** Of both kinds of program: the main thread binds, or another one. */
const KINDS = ['main', 'thread'];

/** 832 and 64 are kept at the source. Of MPX glibc saves BNDREGS (3 of 0xee): from 960 to 1024. */
const BEFORE = 832 + 64;
const AFTER = 1024 + 64;

describe.each(WORLDS)('$name', ({ guest, runs }) => {
  describe.skipIf(!(canMovePrograms && runs))('programs without a mask', () => {
    let share = '';
    let output = '';

    async function runScript(cpu: string, step: string): Promise<string> {
      const environment = { CPUGATE: `node ${join(share, 'cpugate/dist/cpugate.cjs')}` };
      const command = ['sh', join(share, 'scripts/repair.sh'), share, step];
      const plan = { ...guest, cpu, cpus: 2, shares: [share], environment, seconds: 400 };
      return (await runInGuest(plan, command)).output;
    }

    function lineOf(name: string): string {
      const line = output.split('\n').find((one) => one.startsWith(`REPAIR ${name} `));
      return line ?? `no line "${name}" in:\n${output}`;
    }

    beforeAll(async () => {
      share = mkdtempSync(join(tmpdir(), 'cpugate-repair-'));
      fillShare(share);
      const source = join(projectRoot, 'test/vm/binds-later.c');
      const program = join(share, 'binds-later');
      execFileSync('gcc', ['-O1', '-pthread', '-Wl,-z,lazy', '-o', program, source]);
      output = await runScript('Haswell', 'dump');
      output += await runScript('Haswell,+mpx', 'restore');
    }, 900_000);
    afterAll(() => rmSync(share, { recursive: true, force: true }));

    test.each(KINDS)('run over their stack after a bare restore: %s', (kind) => {
      expect(lineOf(`dump ${kind}`)).toMatch(/ status=0 /);
      expect(lineOf(`bare ${kind}`)).toMatch(/ status=0 left=1 word=damaged /);
    });

    test.each(KINDS)('are refused, and it is said that --repair helps: %s', (kind) => {
      expect(lineOf(`unrepaired ${kind}`)).toMatch(
        / status=1 left=0 word=waiting .*xsave-area-grows.*"cpugate restore --repair" makes this +at-risk/,
      );
      expect(lineOf('check main')).toMatch(/ status=1 .*"cpugate restore --repair" makes this/);
      const report = JSON.parse(readFileSync(join(share, 'check.json'), 'utf8'));
      expect(report).toMatchObject({
        verdict: 'incompatible',
        repair: {
          verdict: 'at-risk',
          asked: false,
          processes: [{ sizes: [{ before: BEFORE, after: AFTER }] }],
        },
      });
    });

    test.each(KINDS)(
      'stay refused for the risks that are left, until those are accepted: %s',
      (kind) => {
        expect(lineOf(`repair-alone ${kind}`)).toMatch(
          / status=3 left=0 word=waiting .*stack-taken/,
        );
      },
    );

    test.each(KINDS)('live when they are repaired: %s', (kind) => {
      expect(lineOf(`repaired ${kind}`)).toMatch(/ status=0 left=1 word=whole /);
      expect(lineOf(`repaired ${kind}`)).toContain(`takes ${AFTER} bytes of stack`);
    });

    test('it is written down what was changed', () => {
      const sizes = `"sizes":\\[{"before":${BEFORE},"after":${AFTER}}\\]`;
      const entry = `"repaired":\\[{"pid":2\\d+,${sizes}}\\],"root"`;
      expect(lineOf('log')).toMatch(new RegExp(`^REPAIR log ${entry} ${entry} $`));
    });

    test('images stay as they were', () => {
      expect(output).not.toContain('CHANGED');
    });
  });
});
