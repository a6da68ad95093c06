/**
 * Small programs, each a trap for whoever answers CPUID in a CPU's place, run bare and under a mask
 * on hosts of several kinds. Bare shows that the program is right; masked, that the supervisor is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Guest, labIsHere, runInGuest } from './lab.js';
import {
  type Build,
  buildPrograms,
  canBuild,
  type Programs,
  programFile,
} from './masking/build-programs.js';
import { runCases } from './masking/in-guest.js';
import { readLeaves, rightAnswers } from './masking/leaves.js';
import { type MaskName, maskFile, maskOf, writeMasks } from './masking/masks.js';
import type { GuestCase, GuestOutcome } from './masking/run-cases.js';
import { copySupervisor, supervisorIsHere, underMask } from './masking/supervisor.js';
import {
  PREPARATION,
  SETUID_CASES,
  STATUS_CASES,
  TRAP_CASES,
  type TrapCase,
} from './masking/trap-cases.js';

const NOBODY = 65534;
const NOT_HERE = 77;

type Mode = 'bare' | 'masked';

const HOSTS: readonly (Guest & { readonly kind: string; readonly cpu: string })[] = [
  { kind: 'Intel, Linux 6.1', cpu: 'Haswell', kernel: '6.1' },
  { kind: 'Intel with PKU, Linux 7.2, 2 CPUs', cpu: 'Skylake-Server', kernel: '7.2', cpus: 2 },
  { kind: 'AMD, Linux 7.2', cpu: 'EPYC', kernel: '7.2', faulting: true },
];

interface Row {
  readonly name: string;
  readonly trap: TrapCase;
  readonly build: Build;
  readonly mode: Mode;
}

function rowsOf(trap: TrapCase): Row[] {
  const modes = trap.only === undefined ? (['bare', 'masked'] as const) : [trap.only];
  return trap.builds.flatMap((build) =>
    modes.map((mode) => {
      const how = trap.how === undefined ? '' : `, ${trap.how}`;
      return { name: `${mode}: ${trap.program}${how} (${build})`, trap, build, mode };
    }),
  );
}

const ROWS = TRAP_CASES.flatMap(rowsOf);

/** Those that a row runs: its own and those that it names. */
function programsOf({ trap, build }: Row): (readonly [string, Build])[] {
  const named = (trap.args ?? []).flatMap((word) => /^@(\w+)\.([\w-]+)$/.exec(word) ?? []);
  const others: [string, Build][] = [];
  for (let at = 0; at < named.length; at += 3)
    others.push([named[at + 1] ?? '', named[at + 2] as Build]);
  return [[trap.program, build], ...others];
}

const SETUID_ROWS = SETUID_CASES.flatMap((one) => {
  const modes = one.only === undefined ? (['bare', 'masked'] as const) : [one.only];
  return modes.map((mode) => ({ name: `${mode}: ${one.name}`, mode, one }));
});

const LEAVES = [
  { name: 'leaves, bare', mode: 'bare' },
  { name: 'leaves, masked', mode: 'masked' },
] as const;

const isRunnable = (row: Row) => programsOf(row).every(([, build]) => canBuild(build));

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

  function masked(command: readonly string[], mask: MaskName = 'ivybridge'): string[] {
    return underMask(programs.folder, maskFile(programs.folder, mask), command);
  }

  function wordOf(word: string, mode: Mode): string {
    const found = /^@(\w+)\.([\w-]+)$/.exec(word);
    if (found !== null) return programFile(programs.folder, found[1] ?? '', found[2] as Build);
    return word === '@mode' ? mode : word;
  }

  function guestCase({ name, trap, build, mode }: Row): GuestCase {
    const mask = trap.mask ?? 'ivybridge';
    const command = [
      programFile(programs.folder, trap.program, build),
      ...(trap.args ?? []).map((word) => wordOf(word, mode)),
    ];
    const { minSigStackBytes, hwcap2 } = maskOf(mask);
    const expectations =
      mode === 'bare'
        ? {}
        : { MINSIGSTKSZ: `${minSigStackBytes}`, HWCAP2_ABSENT: `${0xffffffffn & ~hwcap2.keep}` };
    return {
      name,
      command: mode === 'bare' ? command : masked(command, mask),
      environment: { SIGHT: mode, ...expectations },
      ...(trap.unprivileged ? { user: NOBODY } : {}),
      ...(trap.signal === undefined ? {} : { signal: trap.signal }),
      seconds: 40,
    };
  }

  function otherCases(): GuestCase[] {
    const at = (text: string) => text.replace(/^@(?=\/)|(?<= )@(?=;)/g, programs.folder);
    const prepared = { name: 'prepared', command: ['sh', '-ec', at(PREPARATION)], seconds: 20 };
    const setuid = SETUID_ROWS.map(({ name, mode, one }) => {
      const command = one.command.map(at);
      return {
        name,
        command: mode === 'bare' ? command : masked(command),
        environment: { SIGHT: mode },
        ...(one.unprivileged ? { user: NOBODY } : {}),
        seconds: 40,
      };
    });
    const leaves = LEAVES.map(({ name, mode }) => {
      const command = [programFile(programs.folder, 'leaves', 'static-glibc')];
      return { name, command: mode === 'bare' ? command : masked(command), seconds: 40 };
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
    const cases = [...ROWS.filter(isRunnable).map(guestCase), ...otherCases()];
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
      test.skipIf(!isRunnable(row))(row.name, (context) => {
        const { status, output, left } = outcomeOf(row.name);
        if (status === NOT_HERE) context.skip();
        const special = row.mode === 'masked' ? row.trap.masked : undefined;
        expect(status, output).toBe(special?.status ?? row.trap.status ?? 0);
        if (special !== undefined) expect(output).toMatch(special.says);
        expect(left).toEqual([]);
      });

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
