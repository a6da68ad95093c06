/** Tasks that mean harm, natively: many more attempts than an emulated CPU has time for. */
import { canBuild, programFile } from '../vm/masking/build-programs.js';
import { commandIn } from '../vm/masking/rows.js';
import type { GuestCase } from '../vm/masking/run-cases.js';
import { supervisorFile } from '../vm/masking/supervisor.js';
import { isRoot, runtimeFolder } from './run-natively.js';

/** How many programs a child executes under attack; a night's run is CPUGATE_ATTACKS=100000. */
const ATTACKS = Number(process.env.CPUGATE_ATTACKS ?? 1000);
/** Printed by the program; the same attacks come again with CPUGATE_SEED. */
const SEED = Number(process.env.CPUGATE_SEED ?? Date.now() % 1_000_000);

export const HOSTILE_PROGRAMS = [
  ['hostile', 'glibc'],
  ['exec_attack', 'glibc'],
  ['exec_loop', 'no-libc'],
] as const;

export const hostileCanBeBuilt: boolean = HOSTILE_PROGRAMS.every(([, build]) => canBuild(build));

const USERS = [
  { who: 'as root', user: undefined },
  { who: 'as the same user', user: 65534 },
] as const;

export const HOSTILE_NAMES: readonly string[] = USERS.filter(
  ({ user }) => isRoot || user !== undefined,
).flatMap(({ who }) => [`hostile, ${who}`, `execs under attack, ${who}`]);

export function hostileCases(folder: string): GuestCase[] {
  const file = (name: string, build: 'glibc' | 'no-libc' = 'glibc') =>
    programFile(folder, name, build);
  return USERS.flatMap(({ who, user }) => {
    const runtime = runtimeFolder(folder, user);
    const masked = (...command: readonly string[]) =>
      commandIn({ folder, options: ['--runtime-dir', runtime] }, 'masked', command);
    const attack = [`${ATTACKS}`, `${SEED}`, file('exec_loop', 'no-libc'), '0', 'masked'];
    const more = { environment: { SIGHT: 'masked' }, ...(user === undefined ? {} : { user }) };
    return [
      {
        name: `hostile, ${who}`,
        command: masked(file('hostile'), supervisorFile(folder), runtime),
        seconds: 100,
        ...more,
      },
      {
        name: `execs under attack, ${who}`,
        command: masked(file('exec_attack'), ...attack),
        seconds: 60 + ATTACKS / 10,
        ...more,
      },
    ];
  }).filter(({ name }) => HOSTILE_NAMES.includes(name));
}
