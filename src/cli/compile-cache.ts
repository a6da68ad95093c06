/**
 * Where compiled code may be kept. What is taken from there is run without another look, and cpugate
 * may run as root: so it has to lie where nobody but its user, or root, can put a file. Without such
 * a place there is none.
 */
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

const ROOT = 0;
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
const NOT_OURS_ALONE = 0o077;

type Environment = Readonly<Record<string, string | undefined>>;

function makeFolder(path: string): void {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Whether only this user and root can say what a folder's path leads to, and what lies in it. */
function isSafe(folder: string, user: number): boolean {
  for (let at = folder; ; at = dirname(at)) {
    const { uid, mode } = lstatSync(at);
    if (uid !== user && uid !== ROOT) return false;
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** The folder that may be used, made where it isn't there yet; undefined: none. */
export function cacheFolder(env: Environment, user: number): string | undefined {
  const { XDG_CACHE_HOME: given = '', HOME: home = '' } = env;
  if (!isAbsolute(given) && !isAbsolute(home)) return undefined;
  const caches = isAbsolute(given) ? given : join(home, '.cache');
  try {
    // Before anything is made: "sudo -E" leaves root the home of a user, who couldn't use a folder of
    // root's there, or whose link would have root make one anywhere.
    if (!isSafe(realpathSync(dirname(caches)), user)) return undefined;
    makeFolder(caches);
    const { uid } = lstatSync(caches);
    const real = realpathSync(caches);
    if ((uid !== user && uid !== ROOT) || !isSafe(real, user)) return undefined;
    const folder = join(real, 'cpugate');
    makeFolder(folder);
    const stat = lstatSync(folder);
    const isOurs = stat.isDirectory() && stat.uid === user && (stat.mode & NOT_OURS_ALONE) === 0;
    return isOurs ? folder : undefined;
  } catch {
    return undefined;
  }
}
