/**
 * Other hosts → records, over the user's own ssh. Each target is asked by one ssh, which takes the static
 * probe along, runs it and removes it (remote-script.ts); so many at once, and what came back is held
 * against the profile's schema before it counts (record.ts).
 */
import { InputError } from '../model/errors.js';
import { type AskOptions, askHost } from './ask-host.js';
import { type Gathered, gathered } from './record.js';
import type { Target } from './targets.js';

export interface GatherOptions extends AskOptions {
  readonly parallel: number;
  /** Told of each as it comes, in no order. What it throws ends all. */
  readonly onEach: (one: Gathered) => void;
}

async function gatherOne(target: Target, options: GatherOptions): Promise<Gathered> {
  try {
    return gathered(target, await askHost(target, options), options.timeoutMs);
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    throw new InputError('no-ssh', `${options.ssh[0]} can't be started (${code})`, {
      remedy:
        'Install ssh (Debian: apt-get install openssh-client), or name another program by --ssh.',
      cause,
    });
  }
}

/** Throws InputError where ssh can't be started. */
export async function gather(targets: readonly Target[], options: GatherOptions): Promise<void> {
  const left = targets.toReversed();
  const work = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop())
      options.onEach(await gatherOne(next, options));
  };
  try {
    await Promise.all(Array.from({ length: Math.min(options.parallel, targets.length) }, work));
  } catch (error) {
    left.length = 0;
    throw error;
  }
}
