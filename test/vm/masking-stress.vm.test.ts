/** Many tasks at once, and tasks that mean harm. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Guest, labIsHere } from './lab.js';
import { type Build, buildPrograms, type Programs, programFile } from './masking/build-programs.js';
import { runCases } from './masking/in-guest.js';
import { maskFile, writeMasks } from './masking/masks.js';
import type { GuestCase, GuestOutcome } from './masking/run-cases.js';
import {
  copySupervisor,
  supervisorFile,
  supervisorIsHere,
  underMask,
} from './masking/supervisor.js';

const NOBODY = 65534;
const BUILDS: readonly (readonly [string, Build])[] = [
  ['exec_loop', 'no-libc'],
  ['stress', 'glibc'],
  ['fork_tree', 'glibc'],
  ['churn', 'glibc'],
  ['exec_race', 'static-glibc'],
  ['hostile', 'glibc'],
];

describe.skipIf(!labIsHere || !supervisorIsHere)('under a mask', () => {
  let programs: Programs;
  beforeAll(async () => {
    programs = await buildPrograms(BUILDS);
    writeMasks(programs.folder);
    copySupervisor(programs.folder);
  });
  afterAll(() => programs?.remove());

  const file = (name: string, build: Build = 'glibc') => programFile(programs.folder, name, build);

  /** Under one supervisor all of them, at once; then the most memory that it, their parent, has taken. */
  function together(name: string, ...commands: readonly (readonly string[])[]): GuestCase {
    const lines = commands.map((words) => `${words.join(' ')} & pids="$pids $!"`);
    const script = `${lines.join('\n')}\nfor pid in $pids; do wait $pid || exit 1; done
grep VmHWM "/proc/$PPID/status"`;
    const mask = maskFile(programs.folder, 'ivybridge');
    return {
      name,
      command: underMask(programs.folder, mask, ['sh', '-c', script]),
      environment: { SIGHT: 'masked' },
      seconds: 400,
    };
  }

  function hostile(name: string, user?: number): GuestCase {
    const command = [file('hostile'), supervisorFile(programs.folder)];
    const environment = { XDG_RUNTIME_DIR: user === undefined ? '/run' : '/run/user/65534' };
    const one = together(name, command);
    return {
      ...one,
      seconds: 170,
      environment: { ...one.environment, ...environment },
      ...(user === undefined ? {} : { user }),
    };
  }

  describe('stress', () => {
    let outcomes: ReadonlyMap<string, GuestOutcome>;
    beforeAll(async () => {
      const chain = [file('exec_loop', 'no-libc'), '2500', 'masked'];
      outcomes = await runCases(
        { cpu: 'Haswell', kernel: '6.1', cpus: 2, seconds: 580 },
        programs.folder,
        [
          together('10,000 execs', chain, chain, chain, chain),
          together('1,000 threads, 5,000 signals', [file('stress'), '1000', '4', '5']),
          together(
            'threads that replace a leader at CPUID',
            ...Array.from({ length: 4 }, () => [file('exec_race', 'static-glibc'), '300']),
          ),
          together(
            'all at once',
            [file('exec_loop', 'no-libc'), '500', 'masked'],
            [file('stress'), '50', '10', '5'],
            [file('fork_tree'), '4', '3'],
            [file('churn'), '40'],
            [file('churn'), '40'],
          ),
        ],
      );
    }, 600_000);

    const STRESSES = [
      '10,000 execs',
      '1,000 threads, 5,000 signals',
      'threads that replace a leader at CPUID',
      'all at once',
    ];
    test.each(STRESSES)('%s', (name) => {
      const outcome = outcomes.get(name);
      expect(outcome?.status, outcome?.output).toBe(0);
      expect(outcome?.left).toEqual([]);
    });

    test.each(STRESSES)('%s: the supervisor takes no more than 3 MB', (name) => {
      const { output = '' } = outcomes.get(name) ?? {};
      const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(output)?.[1]);
      expect(kilobytes, output).toBeGreaterThan(500);
      expect(kilobytes).toBeLessThanOrEqual(3 * 1024);
    });
  });

  const HOSTS: readonly Guest[] = [
    { cpu: 'Haswell', kernel: '6.1', cpus: 2 },
    { cpu: 'EPYC', kernel: '7.2', faulting: true, cpus: 2 },
  ];
  describe.each(HOSTS)('hostile on $cpu, Linux $kernel', (guest) => {
    let outcomes: ReadonlyMap<string, GuestOutcome>;
    beforeAll(async () => {
      outcomes = await runCases({ ...guest, seconds: 400 }, programs.folder, [
        hostile('as root'),
        hostile('as the same user', NOBODY),
      ]);
    }, 600_000);

    test.each(['as root', 'as the same user'])('%s', (name) => {
      const outcome = outcomes.get(name);
      expect(outcome?.status, outcome?.output).toBe(0);
      expect(outcome?.left).toEqual([]);
    });
  });
});
