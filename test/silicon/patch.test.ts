/**
 * `--trap patch` on this machine: the table of test/vm/programs, and programs that people run, with CPUID itself,
 * in programs and in their libraries. It needs no CPUID faulting.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  buildGo,
  buildJava,
  buildPrograms,
  canBuild,
  type Programs,
  programFile,
} from '../vm/masking/build-programs.js';
import { expectRow, specialOf } from '../vm/masking/expect-row.js';
import { readLeaves, rightAnswers } from '../vm/masking/leaves.js';
import { maskFile, maskOf, writeMasks } from '../vm/masking/masks.js';
import { REAL_PROGRAMS } from '../vm/masking/real-programs.js';
import { caseOf, isRunnable, programsOf, ROWS, type Row } from '../vm/masking/rows.js';
import type { GuestCase, GuestOutcome } from '../vm/masking/run-cases.js';
import {
  copySupervisor,
  supervisorFile,
  supervisorIsHere,
  underMask,
} from '../vm/masking/supervisor.js';
import { runNatively, runtimeFolder } from './run-natively.js';

const PATCH = ['--trap', 'patch'];

/** What a program under patched code sees of the CPU, or can't do; docs/masking.md says so. */
const NOT_COVERED: Readonly<Record<string, string>> = {
  prefixes: 'writes over code that it may execute already',
  page_end: 'writes over code that it may execute already',
  compat_segment: '32-bit code in a 64-bit program',
  ldt_segment: '32-bit code in a 64-bit program',
};
/** Has code at addresses that 32-bit code can jump to. */
const BUILD_OF_OTHERS = 'low';
/** Under CPUID faulting it dies; patched code needs no call in the name of a program that is being executed. */
const BETTER = /^masked: seccomp, kill, then exec, unprivileged/;

const TABLE = ROWS.filter(
  ({ mode, build, trap }) =>
    mode === 'masked' && !build.includes('i386') && NOT_COVERED[trap.program] === undefined,
).map((row): Row => {
  // 32-bit programs are refused.
  const args = row.trap.args?.filter((word) => !word.endsWith('.i386'));
  return args === undefined ? row : { ...row, trap: { ...row.trap, args } };
});
const REAL = REAL_PROGRAMS.filter(({ isHere }) => isHere);
const LEAVES = canBuild('static-glibc');

describe.skipIf(!supervisorIsHere)('with patched code in place of CPUID faulting', () => {
  let programs: Programs;
  let outcomes: ReadonlyMap<string, GuestOutcome>;

  const under = (command: readonly string[], options: readonly string[] = []) => {
    const { folder } = programs;
    const all = [...PATCH, '--runtime-dir', runtimeFolder(folder), ...options];
    return underMask(folder, maskFile(folder, 'ivybridge'), command, all);
  };

  /** A program that says its number when it is ready, and ends by itself once it sees the CPU. */
  function detachCase(): GuestCase {
    const { folder } = programs;
    const output = join(folder, 'detached.out');
    const quoted = under([programFile(folder, 'detached', 'glibc')]).join("' '");
    const control = `'${supervisorFile(folder)}' control --runtime-dir '${runtimeFolder(folder)}' --pid $pid`;
    const lines = [
      `'${quoted}' > '${output}' &`,
      `while ! grep -q ready '${output}'; do sleep 0.1; done`,
      `pid=$(sed -n 's/ready //p' '${output}')`,
      `${control} status | grep -q '^trap patch$' || exit 3`,
      `${control} release 2>&1 | grep -q 'patched code' || exit 4`,
      `${control} detach 2>&1 | grep -q 'patched code' || exit 5`,
      'sleep 0.5; kill -TERM $pid; wait $!',
    ];
    const environment = { SIGHT: 'masked' };
    return {
      name: 'detached',
      command: ['bash', '-c', lines.join('\n')],
      environment,
      seconds: 60,
    };
  }

  function otherCases(): GuestCase[] {
    const { folder } = programs;
    const real = REAL.map(({ name, command }) => {
      const at = command.map((word) => (word === '@' ? folder : word.replace(/^@(?=\/)/, folder)));
      return { name, command: under(at), environment: { SIGHT: 'masked' }, seconds: 60 };
    });
    const leaves = programFile(folder, 'leaves', 'static-glibc');
    const notCovered = Object.keys(NOT_COVERED).map((program) => ({
      name: program,
      command: under([programFile(folder, program, BUILD_OF_OTHERS)]),
      environment: { SIGHT: 'masked' },
      seconds: 40,
    }));
    return [
      ...real,
      ...notCovered,
      detachCase(),
      ...(LEAVES ? [{ name: 'leaves, bare', command: [leaves], seconds: 20 }] : []),
      ...(LEAVES ? [{ name: 'leaves, masked', command: under([leaves]), seconds: 20 }] : []),
      ...(canBuild('i386')
        ? [
            {
              name: 'a 32-bit program',
              command: under([programFile(folder, 'sees', 'i386')]),
              seconds: 20,
            },
          ]
        : []),
    ];
  }

  beforeAll(async () => {
    const rows = TABLE.filter(isRunnable);
    programs = await buildPrograms([
      ...rows.flatMap(programsOf),
      ['detached', 'glibc'],
      ...Object.keys(NOT_COVERED).map((program) => [program, BUILD_OF_OTHERS] as const),
      ...(LEAVES ? ([['leaves', 'static-glibc']] as const) : []),
      ...(canBuild('i386') ? ([['sees', 'i386']] as const) : []),
    ]);
    const { folder } = programs;
    await Promise.all([
      buildGo(join(folder, 'sees.go'), join(folder, 'go-cache')),
      buildJava(folder),
    ]);
    copySupervisor(folder);
    writeMasks(folder);
    const cases = rows.map((row) => {
      const runtime = runtimeFolder(folder, row.trap.unprivileged && 65534);
      return caseOf(row, { folder, options: [...PATCH, '--runtime-dir', runtime] });
    });
    outcomes = await runNatively([...cases, ...otherCases()], folder);
  }, 600_000);
  afterAll(() => programs?.remove());

  function outcomeOf(name: string): GuestOutcome {
    const outcome = outcomes.get(name);
    if (outcome === undefined) throw new Error(`${name} didn't run`);
    return outcome;
  }

  for (const row of TABLE)
    test.skipIf(!isRunnable(row))(row.name, (context) => {
      const special = BETTER.test(row.name) ? undefined : specialOf(row);
      expectRow(context, row, outcomeOf(row.name), special);
    });

  test.each(REAL)('$name', ({ name, masked }) => {
    const { status, output } = outcomeOf(name);
    expect(status, output).toBe(0);
    for (const pattern of masked) expect(output).toMatch(pattern);
  });

  test("it isn't let go, nor released for a dump", () => {
    const { status, output, left } = outcomeOf('detached');
    expect(status, output).toBe(143);
    expect(left).toEqual([]);
  });

  test.each(Object.entries(NOT_COVERED))("%s isn't covered: %s", (program) => {
    const { status, output } = outcomeOf(program);
    // It finds something else than the mask, and lives.
    expect(status, output).toBe(1);
  });

  test.skipIf(!LEAVES)('every leaf shows what the mask leaves of it', () => {
    const bare = readLeaves(outcomeOf('leaves, bare').output);
    const seen = readLeaves(outcomeOf('leaves, masked').output);
    expect(seen.size).toBeGreaterThan(200);
    expect([...seen.keys()]).toEqual([...bare.keys()]);
    for (const [key, answer] of seen)
      expect(rightAnswers(maskOf('ivybridge'), bare, key), `leaf ${key}`).toContainEqual(answer);
  });

  test.skipIf(!canBuild('i386'))('a 32-bit program is refused', () => {
    const { status, output } = outcomeOf('a 32-bit program');
    expect(status, output).toBe(137);
    expect(output).toMatch(
      /^cpugate: process \d+ runs 32-bit code, which --trap patch can't mask$/m,
    );
  });
});
