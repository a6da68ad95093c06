/** The table of traps as commands: each program in each of its builds, bare and under the mask. */
import { type Build, canBuild, programFile } from './build-programs.js';
import { type MaskName, maskFile, maskOf } from './masks.js';
import type { GuestCase } from './run-cases.js';
import { underMask } from './supervisor.js';
import { TRAP_CASES, type TrapCase } from './trap-cases.js';

const NOBODY = 65534;

export type Mode = 'bare' | 'masked';

export interface Row {
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

export const ROWS: readonly Row[] = TRAP_CASES.flatMap(rowsOf);

/** Those that a row runs: its own and those that it names. */
export function programsOf({ trap, build }: Row): (readonly [string, Build])[] {
  const named = (trap.args ?? []).flatMap((word) => /^@(\w+)\.([\w-]+)$/.exec(word) ?? []);
  const others: [string, Build][] = [];
  for (let at = 0; at < named.length; at += 3)
    others.push([named[at + 1] ?? '', named[at + 2] as Build]);
  return [[trap.program, build], ...others];
}

export const isRunnable = (row: Row): boolean =>
  programsOf(row).every(([, build]) => canBuild(build));

export interface Place {
  /** Where programs, supervisor and masks are. */
  readonly folder: string;
  /** More options of the supervisor. */
  readonly options?: readonly string[];
}

/** A command as it is, or under the suite's supervisor. */
export function commandIn(
  { folder, options = [] }: Place,
  mode: Mode,
  command: readonly string[],
  mask: MaskName = 'ivybridge',
): readonly string[] {
  return mode === 'bare' ? command : underMask(folder, maskFile(folder, mask), command, options);
}

export function caseOf(row: Row, place: Place): GuestCase {
  const { name, trap, build, mode } = row;
  const wordOf = (word: string) => {
    const found = /^@(\w+)\.([\w-]+)$/.exec(word);
    if (found !== null) return programFile(place.folder, found[1] ?? '', found[2] as Build);
    return word === '@mode' ? mode : word;
  };
  const mask = trap.mask ?? 'ivybridge';
  const command = [
    programFile(place.folder, trap.program, build),
    ...(trap.args ?? []).map(wordOf),
  ];
  const { minSigStackBytes, hwcap2 } = maskOf(mask);
  const expectations =
    mode === 'bare'
      ? {}
      : { MINSIGSTKSZ: `${minSigStackBytes}`, HWCAP2_ABSENT: `${0xffffffffn & ~hwcap2.keep}` };
  return {
    name,
    command: commandIn(place, mode, command, mask),
    environment: { SIGHT: mode, ...expectations },
    ...(trap.unprivileged ? { user: NOBODY } : {}),
    ...(trap.signal === undefined ? {} : { signal: trap.signal }),
    seconds: 40,
  };
}
