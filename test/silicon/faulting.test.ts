/**
 * The supervisor and the commands that use it on this machine itself, where its CPU can be made to fault
 * at CPUID: what guests of the lab try on emulated CPUs.
 */
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAddon } from '../../src/probe/addon.js';
import { projectRoot } from '../vm/lab.js';
import { STORIES, STORY_PROGRAMS, type Story, storyCommand } from '../vm/masking/attach-stories.js';
import {
  buildGo,
  buildJava,
  buildPrograms,
  canBuild,
  type Programs,
  programFile,
} from '../vm/masking/build-programs.js';
import { expectRow, specialOf } from '../vm/masking/expect-row.js';
import { writeMasks } from '../vm/masking/masks.js';
import { REAL_PROGRAMS } from '../vm/masking/real-programs.js';
import { caseOf, commandIn, isRunnable, programsOf, ROWS } from '../vm/masking/rows.js';
import type { GuestCase, GuestOutcome } from '../vm/masking/run-cases.js';
import { copySupervisor, supervisorIsHere } from '../vm/masking/supervisor.js';
import {
  HOSTILE_NAMES,
  HOSTILE_PROGRAMS,
  hostileCanBeBuilt,
  hostileCases,
} from './hostile-cases.js';
import { isRoot, runNatively, runtimeFolder, supervisorWithFolder } from './run-natively.js';

const NOBODY = 65534;
/** What the programs expect to be hidden, and to be shown (check.h). */
const NEEDED = ['fma', 'movbe', 'bmi1', 'avx2', 'bmi2', 'pni', 'avx'];

/** Empty: everything here can run. */
function whyNot(): string {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'not Linux on x86-64';
  if (!supervisorIsHere || !canBuild('static-glibc')) return 'the native part or gcc is missing';
  const { how } = loadAddon().cpuidFaulting();
  if (how !== 'works') return `CPUID can't be made to fault here: ${how}`;
  const [flags = ''] = /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'latin1')) ?? [];
  const missing = NEEDED.filter((name) => !flags.split(/\s/).includes(name));
  return missing.length > 0 ? `this CPU lacks ${missing.join(', ')}` : '';
}
const reason = whyNot();

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
const hasCgroup =
  isRoot && existsSync('/sys/fs/cgroup/cgroup.procs') && isWritable('/sys/fs/cgroup/cgroup.procs');
/** Somebody else's tree is there for a user who isn't root; nobody's has another. */
const isPossible = ({ cgroup, unprivileged }: Story) =>
  (cgroup === undefined || hasCgroup) && (unprivileged === undefined || isRoot);

const program = join(projectRoot, 'dist', 'cpugate.cjs');

/** $C cpugate, $B a baseline that this machine belongs to; the rest as in the stories. */
const COMMANDS: readonly { readonly name: string; readonly lines: readonly string[] }[] = [
  {
    name: 'cpugate run hands on arguments, streams and status',
    lines: [
      `[ "$(echo through | $C run --mask $B -- cat)" = through ]`,
      'code=0; $C run --mask $B -- sh -c "exit 7" || code=$?; [ $code = 7 ]',
      'SIGHT=masked $C run --mask $B -- $P',
      '! SIGHT=bare $C run --mask $B -- $P 2> /dev/null; SIGHT=bare $P',
    ],
  },
  {
    name: 'cpugate attach and detach',
    lines: [
      'set -m; $O run $F & pid=$!; $O check $F bare',
      '$C attach --mask $B --pid $pid --background; $O check $F masked',
      '$C detach --pid $pid; $O check $F bare',
      'kill -TERM -- -$pid; ! wait $pid',
    ],
  },
  {
    name: 'cpugate verify finds the mask kept',
    lines: ['$C verify --mask $B > $F; grep -q "the mask holds" $F'],
  },
];

describe.skipIf(reason !== '')(
  `where CPUID faults${reason === '' ? '' : ` (skipped: ${reason})`}`,
  () => {
    let programs: Programs;
    let outcomes: ReadonlyMap<string, GuestOutcome>;
    const masked = REAL_PROGRAMS.filter(({ isHere }) => isHere);

    function tableCases(folder: string): GuestCase[] {
      return ROWS.filter(isRunnable).map((row) => {
        const runtime = runtimeFolder(folder, row.trap.unprivileged && NOBODY);
        return caseOf(row, { folder, options: ['--runtime-dir', runtime] });
      });
    }

    function storyCases(folder: string): GuestCase[] {
      return STORIES.filter(isPossible).map((story, index) => {
        const user = story.unprivileged && NOBODY;
        const supervisor = supervisorWithFolder(folder, user);
        const file = join(runtimeFolder(folder, user), `story-${index}`);
        const name = `story: ${story.name}`;
        return { name, ...storyCommand(story, { folder, supervisor, file }), seconds: 60 };
      });
    }

    function programCases(folder: string): GuestCase[] {
      const place = { folder, options: ['--runtime-dir', runtimeFolder(folder)] };
      return masked.map(({ name, command }) => {
        const words = command.map((word) => word.replace(/^@/, folder));
        const environment = { SIGHT: 'masked' };
        return { name, command: commandIn(place, 'masked', words), environment, seconds: 60 };
      });
    }

    function commandCases(folder: string): GuestCase[] {
      return COMMANDS.map(({ name, lines }, index) => ({
        name,
        command: ['bash', '-exc', lines.join('\n')],
        environment: {
          B: join(folder, 'baseline.json'),
          C: join(folder, 'cpugate'),
          O: programFile(folder, 'observe', 'static-glibc'),
          P: programFile(folder, 'sees', 'static-glibc'),
          F: join(folder, `command-${index}`),
          XDG_RUNTIME_DIR: runtimeFolder(folder),
        },
        seconds: 60,
      }));
    }

    beforeAll(async () => {
      const rows = ROWS.filter(isRunnable);
      programs = await buildPrograms([
        ...rows.flatMap(programsOf),
        ...STORY_PROGRAMS,
        ...(hostileCanBeBuilt ? HOSTILE_PROGRAMS : []),
        ['sees', 'static-glibc'],
      ]);
      const { folder } = programs;
      writeMasks(folder);
      copySupervisor(folder);
      await buildGo(join(folder, 'sees.go'), join(folder, 'go-cache'));
      await buildJava(folder);
      writeFileSync(
        join(folder, 'cpugate'),
        `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`,
        { mode: 0o755 },
      );
      const made = {
        name: 'a baseline',
        command: [
          ...[join(folder, 'cpugate'), 'baseline', 'ivybridge', 'localhost'],
          ...['-o', join(folder, 'baseline.json')],
        ],
        seconds: 30,
      };
      await runNatively([made], folder);
      outcomes = await runNatively(
        [
          ...[...storyCases(folder), ...commandCases(folder)],
          ...(hostileCanBeBuilt ? hostileCases(folder) : []),
          ...[...programCases(folder), ...tableCases(folder)],
        ],
        folder,
      );
    }, 600_000);
    afterAll(() => programs?.remove());

    function requireGood(name: string): void {
      const outcome = outcomes.get(name);
      expect(outcome?.status, outcome?.output).toBe(0);
      expect(outcome?.left).toEqual([]);
    }

    for (const row of ROWS)
      test.skipIf(!isRunnable(row))(row.name, (context) =>
        expectRow(context, row, outcomes.get(row.name), specialOf(row)),
      );

    for (const story of STORIES)
      test.skipIf(!isPossible(story))(story.name, () => requireGood(`story: ${story.name}`));

    test.skipIf(!hostileCanBeBuilt).each(HOSTILE_NAMES)('%s', requireGood);

    test.each(COMMANDS)('$name', ({ name }) => requireGood(name));

    for (const one of REAL_PROGRAMS)
      test.skipIf(!one.isHere)(one.name, () => {
        requireGood(one.name);
        for (const said of one.masked) expect(outcomes.get(one.name)?.output).toMatch(said);
      });
  },
);
