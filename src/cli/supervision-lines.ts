/** What the user is told of a supervisor that has taken tasks. Pure. */
import { printable } from '../model/printable.js';

export interface HeldTasks {
  /** The mask's name. */
  readonly mask: string;
  readonly supervisor: number | undefined;
  /** Processes under the mask. */
  readonly processes: readonly number[];
  readonly cgroups: readonly string[];
  readonly log: string;
  /** Where it isn't the default: control needs it, too. */
  readonly runtimeFolder: string | undefined;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function count(processes: readonly number[]): string {
  const [only] = processes;
  if (only === undefined) return 'No process is';
  return processes.length === 1 ? `Process ${only} is` : `${processes.length} processes are`;
}

/** The first in the tree that was asked for is the one that people know. */
export function heldText(held: HeldTasks): string {
  const { mask, supervisor, processes, cgroups, log, runtimeFolder } = held;
  const by = supervisor === undefined ? '' : `, held by supervisor ${supervisor}`;
  const folder = runtimeFolder === undefined ? '' : ` --runtime-dir ${quoted(runtimeFolder)}`;
  const lines = [
    `${count(processes)} under the mask of ${mask}${by}. Tasks end with their supervisor.`,
    ...cgroups.map((cgroup) => `Whatever enters ${cgroup} comes under it, too.`),
    `To let go: cpugate detach --pid ${processes[0] ?? 'PID'}${folder}`,
    `What it says from now on is in ${log}.`,
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

/** `why`: what forbids to watch the cgroup. */
export function withoutCgroup(why: string): string {
  return (
    `only the container's own processes are held, not what enters it later: ${printable(why)}. ` +
    'Give the container a cgroup of its own.'
  );
}

/** After a dump of tasks that `cpugate attach` put under the mask, or that something has entered. */
export function cameUnderText(mask: string): string {
  return (
    `cpugate: dumped. Tasks came under the mask of ${printable(mask)} while they ran: the record says so, ` +
    'and a restore asks for all of this host\'s CPU. Started by "cpugate run", they could move further.\n'
  );
}
