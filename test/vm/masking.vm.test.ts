/**
 * Small programs, each a trap for whoever answers CPUID in a CPU's place, run bare and under a mask
 * on hosts of several kinds. Bare shows that the program is right; masked, that the supervisor is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Guest, labIsHere, runInGuest } from './lab.js';
import { buildPrograms, type Programs, programFile } from './masking/build-programs.js';
import { expectRow, specialOf } from './masking/expect-row.js';
import { runCases } from './masking/in-guest.js';
import { readLeaves, rightAnswers } from './masking/leaves.js';
import { maskOf, writeMasks } from './masking/masks.js';
import { caseOf, commandIn, isRunnable, programsOf, ROWS } from './masking/rows.js';
import type { GuestCase, GuestOutcome } from './masking/run-cases.js';
import { copySupervisor, supervisorIsHere } from './masking/supervisor.js';
import { PREPARATION, SETUID_CASES, STATUS_CASES } from './masking/trap-cases.js';

const NOBODY = 65534;

const HOSTS: readonly (Guest & { readonly kind: string; readonly cpu: string })[] = [
  { kind: 'Intel, Linux 6.1', cpu: 'Haswell', kernel: '6.1' },
  { kind: 'Intel with PKU, Linux 7.2, 2 CPUs', cpu: 'Skylake-Server', kernel: '7.2', cpus: 2 },
  { kind: 'AMD, Linux 7.2', cpu: 'EPYC', kernel: '7.2', faulting: true },
];

const SETUID_ROWS = SETUID_CASES.flatMap((one) => {
  const modes = one.only === undefined ? (['bare', 'masked'] as const) : [one.only];
  return modes.map((mode) => ({ name: `${mode}: ${one.name}`, mode, one }));
});

const LEAVES = [
  { name: 'leaves, bare', mode: 'bare' },
  { name: 'leaves, masked', mode: 'masked' },
] as const;

describe.skipIf(!labIsHere || !supervisorIsHere)('CPUID under a mask', () => {
  let programs: Programs;

  beforeAll(async () => {
    programs = await buildPrograms([
      ...ROWS.filter(isRunnable).flatMap(programsOf),
      ['leaves', 'static-glibc'],
      ['ids', 'glibc'],
      ['sees', 'static-glibc'],
    ]);
    writeMasks(programs.folder);
    copySupervisor(programs.folder);
  });
  afterAll(() => programs?.remove());

  const masked = (command: readonly string[]) => commandIn(programs, 'masked', command);

  function otherCases(): GuestCase[] {
    const at = (text: string) => text.replace(/^@(?=\/)|(?<= )@(?=;)/g, programs.folder);
    const prepared = { name: 'prepared', command: ['sh', '-ec', at(PREPARATION)], seconds: 20 };
    const setuid = SETUID_ROWS.map(({ name, mode, one }) => {
      const command = one.command.map(at);
      return {
        name,
        command: commandIn(programs, mode, command),
        environment: { SIGHT: mode },
        ...(one.unprivileged ? { user: NOBODY } : {}),
        seconds: 40,
      };
    });
    const leaves = LEAVES.map(({ name, mode }) => {
      const command = [programFile(programs.folder, 'leaves', 'static-glibc')];
      return { name, command: commandIn(programs, mode, command), seconds: 40 };
    });
    const ends = STATUS_CASES.map(({ name, command }) => {
      return { name, command: masked(command), seconds: 40 };
    });
    return [prepared, ...setuid, ...leaves, ...ends];
  }

  const boots: Promise<ReadonlyMap<string, GuestOutcome>>[] = [];
  function boot(index: number): Promise<ReadonlyMap<string, GuestOutcome>> | undefined {
    const host = HOSTS[index];
    if (host === undefined || boots[index] !== undefined) return boots[index];
    const cases = [...ROWS.filter(isRunnable).map((row) => caseOf(row, programs)), ...otherCases()];
    const booted = runCases({ ...host, seconds: 1100 }, programs.folder, cases);
    // It is told where it's awaited.
    booted.catch(() => undefined);
    boots[index] = booted;
    return booted;
  }

  describe.each(HOSTS)('on $kind', (host) => {
    let outcomes: ReadonlyMap<string, GuestOutcome>;

    beforeAll(async () => {
      const index = HOSTS.indexOf(host);
      const [booted] = [boot(index), boot(index + 1)];
      outcomes = (await booted) ?? new Map();
    }, 1_200_000);

    function outcomeOf(name: string): GuestOutcome {
      const outcome = outcomes.get(name);
      if (outcome === undefined) throw new Error(`${name} didn't run`);
      return outcome;
    }

    for (const row of ROWS)
      test.skipIf(!isRunnable(row))(row.name, (context) =>
        expectRow(context, row, outcomeOf(row.name), specialOf(row)),
      );

    test.each(SETUID_ROWS)('$name', ({ name, one }) => {
      const outcome = outcomeOf(name);
      expect(outcome.status, outcome.output).toBe(one.status ?? 0);
      expect(outcome.left).toEqual([]);
    });

    test('every leaf shows what the mask leaves of it', () => {
      const bare = readLeaves(outcomeOf('leaves, bare').output);
      const seen = readLeaves(outcomeOf('leaves, masked').output);
      expect(seen.size).toBeGreaterThan(200);
      expect([...seen.keys()]).toEqual([...bare.keys()]);
      for (const [key, answer] of seen)
        expect(rightAnswers(maskOf('ivybridge'), bare, key), `leaf ${key}`).toContainEqual(answer);
    });

    test.each(STATUS_CASES)('ends as a shell says: $name', ({ name, status }) => {
      const outcome = outcomeOf(name);
      expect(outcome.status, outcome.output).toBe(status);
      expect(outcome.left).toEqual([]);
    });
  });

  test.each([
    { cpu: 'EPYC', kernel: '7.2', faulting: false },
    { cpu: 'Haswell', kernel: '6.1', faulting: false },
  ])('$cpu without faulting is refused', async (guest) => {
    const command = masked(['true']);
    const { status, output } = await runInGuest(guest, command);
    expect(status, output).toBe(69);
    expect(output).toMatch(/^cpugate: .*fault/m);
  });
});
