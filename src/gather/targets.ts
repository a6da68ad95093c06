/** What is asked over ssh: hosts by name. A name becomes an argument and a file's name, so it is held to few characters. */
import { InputError } from '../model/errors.js';

export interface Target {
  /** What the record and its file are called. */
  readonly name: string;
  /** For ssh: a host, with or without "user@". */
  readonly destination: string;
  /** Where it isn't ssh's own choice. */
  readonly port?: number;
}

/** Begins with no "-", which would be an option, and with no ".", which would be hidden. */
const NAME = /^[A-Za-z0-9_:[][\w.:%[\]-]{0,252}$/;
const USER = /^[A-Za-z0-9_][\w.-]{0,63}$/;

function refuse(text: string, what: string): never {
  throw new InputError('usage', `"${text}" can't be ${what}`, {
    remedy:
      'A host is a name or an address, with "user@" before it if need be: letters, digits and . _ - : only. What ' +
      'else ssh needs stands in its own configuration (ssh_config), under a name like that.',
  });
}

/** Throws InputError. `source`: where the name stands. */
function checked(text: string, pattern: RegExp, what: string): string {
  return pattern.test(text) ? text : refuse(text, what);
}

export interface TargetParts {
  readonly name: string;
  readonly host?: string | undefined;
  readonly user?: string | undefined;
  readonly port?: string | undefined;
}

/** Throws InputError for what can't be a host. */
export function targetOf({ name, host = name, user, port }: TargetParts): Target {
  checked(name, NAME, 'the name of a host');
  checked(host, NAME, 'the address of a host');
  if (user !== undefined) checked(user, USER, 'the user at a host');
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536))
    refuse(port, 'a port');
  return {
    name,
    destination: user === undefined ? host : `${user}@${host}`,
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}

/** Of "web-7" or "root@web-7". Throws InputError. */
export function parseTarget(text: string): Target {
  const at = text.indexOf('@');
  if (at < 0) return targetOf({ name: text });
  return targetOf({ name: text.slice(at + 1), user: text.slice(0, at) });
}

/** Each once. Throws InputError where two that differ would write one file. */
export function uniqueTargets(targets: readonly Target[]): readonly Target[] {
  const byName = new Map<string, Target>();
  for (const target of targets) {
    const before = byName.get(target.name);
    if (before === undefined) byName.set(target.name, target);
    else if (before.destination !== target.destination || before.port !== target.port)
      throw new InputError(
        'usage',
        `${before.destination} and ${target.destination} are both "${target.name}"`,
        {
          remedy: 'Their records would be one file: leave one of them out.',
        },
      );
  }
  return [...byName.values()];
}
