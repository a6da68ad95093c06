/**
 * The supervisor started on this machine, whatever its CPU is: RDMSR stands in for CPUID (stand-in.ts).
 * Programs see the mask and are otherwise what they are bare, as far as that doesn't need CPUID's own
 * faults: libraries that look at the CPU see the real one here.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STORIES, STORY_PROGRAMS, storyCommand } from '../vm/masking/attach-stories.js';
import { buildPrograms, canBuild, type Programs } from '../vm/masking/build-programs.js';
import { expectRow, specialOf } from '../vm/masking/expect-row.js';
import { caseOf, isRunnable, programsOf, ROWS } from '../vm/masking/rows.js';
import type { GuestOutcome } from '../vm/masking/run-cases.js';
import {
  HOSTILE_NAMES,
  HOSTILE_PROGRAMS,
  hostileCanBeBuilt,
  hostileCases,
} from './hostile-cases.js';
import { runNatively, runtimeFolder, supervisorWithFolder } from './run-natively.js';
import {
  buildStandIn,
  compilerIsHere,
  STAND_IN_DEFINITIONS,
  writeStandInMasks,
} from './stand-in.js';

/** The one asks the compiler's own library, which executes CPUID; the other has CPUID's own bytes. */
const OF_THE_CPU = new Set(['before_main', 'made_code']);
/** What is linked in another way differs at start, which the stand-in doesn't trap. */
const BUILDS = new Set(['glibc', 'i386', 'low', 'no-libc', 'no-libc-i386']);

const TABLE = ROWS.filter(
  ({ mode, trap, build }) =>
    mode === 'masked' &&
    !OF_THE_CPU.has(trap.program) &&
    (BUILDS.has(build) || !trap.builds.some((one) => BUILDS.has(one))),
);
const SILENT = STORIES.filter(({ silent }) => silent);

describe.skipIf(!compilerIsHere)('under a supervisor that any machine runs', () => {
  let programs: Programs;
  let outcomes: ReadonlyMap<string, GuestOutcome>;

  beforeAll(async () => {
    const rows = TABLE.filter(isRunnable);
    const stories = SILENT.filter(() => canBuild('static-glibc'));
    programs = await buildPrograms(
      [
        ...rows.flatMap(programsOf),
        ...(stories.length > 0 ? STORY_PROGRAMS : []),
        ...(hostileCanBeBuilt ? HOSTILE_PROGRAMS : []),
      ],
      STAND_IN_DEFINITIONS,
    );
    const { folder } = programs;
    await buildStandIn(folder);
    writeStandInMasks(folder);
    const cases = rows.map((row) => {
      const runtime = runtimeFolder(folder, row.trap.unprivileged && 65534);
      return caseOf(row, { folder, options: ['--runtime-dir', runtime] });
    });
    const told = stories.map((story, index) => ({
      name: story.name,
      ...storyCommand(story, {
        folder,
        supervisor: supervisorWithFolder(folder),
        file: `${folder}/story-${index}`,
      }),
      seconds: 60,
    }));
    const hostile = hostileCanBeBuilt ? hostileCases(folder) : [];
    outcomes = await runNatively([...told, ...hostile, ...cases], folder);
  }, 300_000);
  afterAll(() => programs?.remove());

  for (const row of TABLE)
    test.skipIf(!isRunnable(row))(row.name, (context) =>
      expectRow(context, row, outcomes.get(row.name), specialOf(row)),
    );

  function requireGood(name: string): void {
    const outcome = outcomes.get(name);
    expect(outcome?.status, outcome?.output).toBe(0);
    expect(outcome?.left).toEqual([]);
  }

  test.skipIf(!canBuild('static-glibc')).each(SILENT)('$name', ({ name }) => requireGood(name));

  test.skipIf(!hostileCanBeBuilt).each(HOSTILE_NAMES)('%s', requireGood);
});
