/**
 * Names of hosts as files have them: one a line, Ansible's inventory as INI, and as
 * "ansible-inventory --list" prints it. Sources: Ansible's guide "How to build your inventory";
 * lib/ansible/plugins/inventory/ini.py for what an INI line may have.
 */
import { InputError } from '../model/errors.js';
import { parseTarget, type Target, targetOf } from './targets.js';

/** More hosts than anybody has in one file; ranges would multiply without end. */
const MOST_HOSTS = 100_000;
const MOST_BYTES = 32 * 1024 * 1024;

type Variables = Readonly<Record<string, unknown>>;

function textOf(variables: Variables, name: string): string | undefined {
  if (!Object.hasOwn(variables, name)) return undefined;
  const value = variables[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** `local`: what "ansible_connection=local" says isn't reached by ssh. */
function targetWith(name: string, variables: Variables): Target {
  const part = (...names: readonly string[]) =>
    names.map((one) => textOf(variables, one)).find((value) => value !== undefined);
  return targetOf({
    name,
    host: part('ansible_host', 'ansible_ssh_host'),
    user: part('ansible_user', 'ansible_ssh_user'),
    port: part('ansible_port', 'ansible_ssh_port'),
  });
}

function tooMany(): InputError {
  return new InputError('too-large', `more than ${MOST_HOSTS} hosts`);
}

const RANGE = /^(.*?)\[(\d{1,6}|[a-zA-Z]):(\d{1,6}|[a-zA-Z])(?::(\d{1,6}))?\](.*)$/;

/** "web[01:20]" has as many digits as its first number; "db[a:c]" goes by letters. */
function expand(pattern: string): readonly string[] {
  const found = RANGE.exec(pattern);
  if (found === null) return [pattern];
  const [, before = '', first = '', last = '', step = '1', behind = ''] = found;
  const isNumber = /^\d/.test(first);
  if (isNumber !== /^\d/.test(last)) return [pattern];
  const codeOf = (text: string) => (isNumber ? Number(text) : text.charCodeAt(0));
  const names: string[] = [];
  const stride = Math.max(1, Number(step));
  const rest = expand(behind);
  for (let code = codeOf(first); code <= codeOf(last); code += stride) {
    const text = isNumber ? String(code).padStart(first.length, '0') : String.fromCharCode(code);
    for (const end of rest) names.push(`${before}${text}${end}`);
    if (names.length > MOST_HOSTS) throw tooMany();
  }
  return names;
}

/** The words of a line up to a comment; quotes keep blanks together. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:[^\s"'#]|"[^"]*"|'[^']*')+|#/g)) {
    if (word === '#') break;
    words.push(word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
  }
  return words;
}

function variablesOf(words: readonly string[]): Variables {
  return Object.fromEntries(
    words.flatMap((word) => {
      const at = word.indexOf('=');
      return at > 0 ? [[word.slice(0, at), word.slice(at + 1)]] : [];
    }),
  );
}

function* targetsInLines(text: string): Generator<Target> {
  // Of groups' variables and of groups in groups, nothing is a host.
  let isOfHosts = true;
  for (const line of text.split('\n')) {
    const plain = line.trim();
    if (plain === '' || /^[#;]/.test(plain)) continue;
    const section = /^\[([^\]]*)\]\s*(?:#.*)?$/.exec(plain);
    if (section !== null) {
      isOfHosts = !/:(?:vars|children)$/.test(section[1] as string);
      continue;
    }
    if (!isOfHosts) continue;
    const [pattern = '', ...rest] = wordsOf(plain);
    const variables = variablesOf(rest);
    if (textOf(variables, 'ansible_connection') === 'local') continue;
    for (const name of expand(pattern))
      yield Object.keys(variables).length === 0 ? parseTarget(name) : targetWith(name, variables);
  }
}

function objectOf(value: unknown): Variables {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Variables)
    : {};
}

function memberOf(value: unknown, name: string): unknown {
  const members = objectOf(value);
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

function* targetsInJson(json: unknown): Generator<Target> {
  const variables = objectOf(memberOf(memberOf(json, '_meta'), 'hostvars'));
  const names = new Set(Object.keys(variables));
  for (const group of Object.values(objectOf(json))) {
    const hosts = memberOf(group, 'hosts');
    if (Array.isArray(hosts))
      for (const host of hosts) if (typeof host === 'string') names.add(host);
  }
  for (const name of names) {
    const own = objectOf(Object.hasOwn(variables, name) ? variables[name] : undefined);
    if (textOf(own, 'ansible_connection') !== 'local') yield targetWith(name, own);
  }
}

/** Throws InputError for what names no host. `name`: of the file, for messages. */
export function readInventory(name: string, text: string): readonly Target[] {
  const place = { file: name };
  if (text.length > MOST_BYTES)
    throw new InputError('too-large', 'is too large for a list of hosts', { place });
  if (/^\s*(?:---|all:|\w+:\s*$)/m.test(text.slice(0, 4096)) && !text.trimStart().startsWith('{'))
    throw new InputError('unknown-format', 'is YAML, which is not read', {
      place,
      remedy: `Let Ansible print it as JSON: "ansible-inventory -i ${name} --list > inventory.json".`,
    });
  const isJson = text.trimStart().startsWith('{');
  let json: unknown;
  try {
    json = isJson ? JSON.parse(text) : undefined;
  } catch (cause) {
    throw new InputError('malformed', 'is not valid JSON', { place, cause });
  }
  const targets: Target[] = [];
  for (const target of isJson ? targetsInJson(json) : targetsInLines(text)) {
    targets.push(target);
    if (targets.length > MOST_HOSTS) throw tooMany();
  }
  if (targets.length === 0) throw new InputError('empty', 'names no host', { place });
  return targets;
}
