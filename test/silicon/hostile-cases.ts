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
  ['gate_race', 'glibc'],
] as const;

/** Which of the program's threads makes the calls that are led elsewhere. */
const LED = ['thread', 'main'] as const;
/** Its output shows why it was killed. */
const IS_KILLED =
  '"$@" > "$0" 2>&1; code=$?; cat "$0"; [ $code = 137 ] && grep -q "make the call .* is killed" "$0"';

export const hostileCanBeBuilt: boolean = HOSTILE_PROGRAMS.every(([, build]) => canBuild(build));

const USERS = [
  { who: 'as root', user: undefined },
  { who: 'as the same user', user: 65534 },
] as const;

const NAMES = USERS.filter(({ user }) => isRoot || user !== undefined).flatMap(({ who }) => [
  `hostile, ${who}`,
  `execs under attack, ${who}`,
]);
export const HOSTILE_NAMES: readonly string[] = [
  ...NAMES,
  ...LED.map((who) => `led to another call, ${who}: killed`),
];

export function hostileCases(folder: string): GuestCase[] {
  const file = (name: string, build: 'glibc' | 'no-libc' = 'glibc') =>
    programFile(folder, name, build);
  const attacks = USERS.flatMap(({ who, user }) => {
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
  }).filter(({ name }) => NAMES.includes(name));
  const runtime = runtimeFolder(folder, undefined);
  const led = LED.map((who) => {
    const options = ['--runtime-dir', runtime];
    const command = commandIn({ folder, options }, 'masked', [file('gate_race'), who]);
    return {
      name: `led to another call, ${who}: killed`,
      command: ['sh', '-c', IS_KILLED, `${folder}/led-${who}`, ...command],
      seconds: 60,
    };
  });
  return [...attacks, ...led];
}
