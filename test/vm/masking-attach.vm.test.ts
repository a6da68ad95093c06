/** The stories of masking/attach-stories.ts, in guests. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Guest, labIsHere } from './lab.js';
import { STORIES, STORY_PROGRAMS, storyCommand } from './masking/attach-stories.js';
import { buildPrograms, type Programs } from './masking/build-programs.js';
import { runCases } from './masking/in-guest.js';
import { writeMasks } from './masking/masks.js';
import type { GuestOutcome } from './masking/run-cases.js';
import { copySupervisor, supervisorFile, supervisorIsHere } from './masking/supervisor.js';

const HOSTS: readonly Guest[] = [
  { cpu: 'Haswell', kernel: '6.1' },
  { cpu: 'EPYC', kernel: '7.2', faulting: true, cpus: 2 },
];

describe.skipIf(!labIsHere || !supervisorIsHere)('attached', () => {
  let programs: Programs;
  beforeAll(async () => {
    programs = await buildPrograms(STORY_PROGRAMS);
    writeMasks(programs.folder);
    copySupervisor(programs.folder);
  });
  afterAll(() => programs?.remove());

  describe.each(HOSTS)('on $cpu, Linux $kernel', (guest) => {
    let outcomes: ReadonlyMap<string, GuestOutcome>;
    beforeAll(async () => {
      const cases = STORIES.map((story, index) => ({
        name: story.name,
        ...storyCommand(story, {
          folder: programs.folder,
          supervisor: supervisorFile(programs.folder),
          file: `/dev/shm/observed-${index}`,
        }),
        seconds: 60,
      }));
      outcomes = await runCases({ ...guest, seconds: 580 }, programs.folder, cases);
    }, 600_000);

    test.each(STORIES)('$name', ({ name }) => {
      const outcome = outcomes.get(name);
      expect(outcome?.status, outcome?.output).toBe(0);
      expect(outcome?.left).toEqual([]);
    });
  });
});
