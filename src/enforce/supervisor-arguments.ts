/** The supervisor's command lines (native/supervisor/options.cc). Pure. */
import type { ProcessStatus } from './processes.js';
import type { Trap } from './trap.js';

interface Common {
  readonly maskFile: string;
  readonly runtimeFolder: string;
  readonly pidFile?: string | undefined;
}

export interface AttachPlan extends Common {
  /** Processes that are held with all of their descendants. */
  readonly pids: readonly number[];
  /** cgroups whose later comers are found and held, too. */
  readonly cgroups: readonly string[];
  readonly isBackground: boolean;
  /** The tasks haven't run yet: nothing was seen before the mask. */
  readonly isFromStart: boolean;
}

export interface AdoptPlan extends Common {
  /** By the images' numbers: who was stopped at the dump stays so. */
  readonly stopped: readonly number[];
  /** Whether they were under this mask, or one that shows no more, all their life. */
  readonly isFromStart: boolean;
  readonly cgroup?: string | undefined;
}

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`--${name}`, `${value}`];
}

function common({ maskFile, runtimeFolder, pidFile }: Common): string[] {
  return [
    ...option('mask', maskFile),
    ...option('runtime-dir', runtimeFolder),
    ...option('pid-file', pidFile),
  ];
}

export interface RunPlan extends Common {
  /** "faulting" where it isn't said. */
  readonly trap?: Trap | undefined;
}

/** The program and its arguments follow. */
export function runArguments(plan: RunPlan): string[] {
  const trap = plan.trap === 'faulting' ? undefined : plan.trap;
  return ['run', ...common(plan), ...option('trap', trap), '--'];
}

export function attachArguments(plan: AttachPlan): string[] {
  return [
    'attach',
    ...common(plan),
    ...(plan.isBackground ? ['--background'] : []),
    ...(plan.isFromStart ? ['--from-start'] : []),
    ...plan.pids.flatMap((pid) => option('pid', pid)),
    ...plan.cgroups.flatMap((cgroup) => option('cgroup', cgroup)),
  ];
}

/** Of a tree that was restored and left stopped: all of it goes on but who was stopped at the dump. */
export function adoptArguments(
  plan: AdoptPlan,
  [root, ...others]: readonly Pick<ProcessStatus, 'pid' | 'ownPid'>[],
): string[] {
  if (root === undefined) throw new Error('a tree without a root');
  const stopped = [root, ...others].filter(({ ownPid }) => plan.stopped.includes(ownPid));
  return [
    'adopt',
    ...common(plan),
    ...(plan.isFromStart ? ['--from-start'] : []),
    ...option('pid', root.pid),
    ...option('cgroup', plan.cgroup),
    ...stopped.flatMap(({ pid }) => option('keep-stopped', pid)),
  ];
}
