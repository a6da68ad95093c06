import { describe, expect, test } from 'vitest';
import { readInventory } from '../../src/gather/inventory.js';
import { parseTarget, uniqueTargets } from '../../src/gather/targets.js';
import { isInputError } from '../../src/model/errors.js';

/** The code of the InputError, and whether it says what is wanted. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (isInputError(error)) return error.code;
    throw error;
  }
  return 'none';
}

const named = (text: string) => readInventory('list', text).map(({ name }) => name);

describe('a host as it is named', () => {
  test.each([
    ['web-7', { name: 'web-7', destination: 'web-7' }],
    [
      'root@web-7.example.org',
      { name: 'web-7.example.org', destination: 'root@web-7.example.org' },
    ],
    ['::1', { name: '::1', destination: '::1' }],
    ['a@fe80::1%eth0', { name: 'fe80::1%eth0', destination: 'a@fe80::1%eth0' }],
  ])('%s is asked', (text, target) => expect(parseTarget(text)).toEqual(target));

  test.each([
    '-oProxyCommand=reboot',
    'root@-oProxyCommand=reboot',
    '-l@web-7',
    '',
    '@web-7',
    'root@',
    '.hidden',
    '..',
    'a/b',
    '../etc/web',
    'web 7',
    'web;reboot',
    '$(reboot)',
    '`reboot`',
    'web\n7',
    'web\0',
    "web'7",
    'wéb',
    'a@b@c',
    'x'.repeat(300),
  ])('%j is refused', (text) => expect(refusal(() => parseTarget(text))).toBe('usage'));

  test('twice is once; two that would write one file are refused', () => {
    const one = parseTarget('web-7');
    expect(uniqueTargets([one, parseTarget('web-8'), one])).toHaveLength(2);
    expect(refusal(() => uniqueTargets([one, parseTarget('root@web-7')]))).toBe('usage');
  });
});

describe('a list of hosts', () => {
  test('has one a line; blanks and comments are passed over', () => {
    expect(named('web-7\n\n# old: web-6\n  web-8  # new\r\n; db\nroot@db-1')).toEqual([
      'web-7',
      'web-8',
      'db-1',
    ]);
  });

  test('of Ansible: groups, variables, ranges, what is reached elsewhere', () => {
    const text = `control ansible_connection=local
[web]
web[08:10].example.org http_port=80
db-[a:c] ansible_host=10.0.0.7 ansible_user=root ansible_port=2222
[web:vars]
ansible_user=nobody
[all:children]
web
[quoted]  # more
q1 note="two words # no comment" ansible_host='10.0.0.8'
`;
    expect(readInventory('hosts.ini', text)).toEqual([
      ...['08', '09', '10'].map((n) => ({
        name: `web${n}.example.org`,
        destination: `web${n}.example.org`,
      })),
      ...['a', 'b', 'c'].map((n) => ({
        name: `db-${n}`,
        destination: 'root@10.0.0.7',
        port: 2222,
      })),
      { name: 'q1', destination: '10.0.0.8' },
    ]);
  });

  test('of ansible-inventory --list', () => {
    const json = {
      _meta: {
        hostvars: {
          'web-7': { ansible_host: '10.0.0.7', ansible_port: 22 },
          localhost: { ansible_connection: 'local' },
          ['__proto__']: { ansible_user: 'x' },
        },
      },
      all: { children: ['web'] },
      web: { hosts: ['web-7', 'web-8', 7] },
    };
    const text = JSON.stringify(json).replace(
      '}},"all"',
      ',"__proto__":{"ansible_user":"x"}}},"all"',
    );
    expect(readInventory('i', text)).toEqual([
      { name: 'web-7', destination: '10.0.0.7', port: 22 },
      { name: '__proto__', destination: 'x@__proto__' },
      { name: 'web-8', destination: 'web-8' },
    ]);
  });

  test.each<[string, string, string]>([
    ['nothing', '\n# none\n', 'empty'],
    ['YAML', 'all:\n  hosts:\n    web-7:\n', 'unknown-format'],
    ['half of JSON', '{"web": ', 'malformed'],
    ['an option', 'web-7\n-oProxyCommand=x\n', 'usage'],
    ['an address that is an option', 'web-7 ansible_host=-oProxyCommand=x\n', 'usage'],
    ['a user that is an option', 'web-7 ansible_user=-l\n', 'usage'],
    ['no port', 'web-7 ansible_port=70000\n', 'usage'],
    ['a range without end', 'web[0:999999][0:999999]\n', 'too-large'],
  ])('with %s is refused', (_, text, code) => {
    expect(refusal(() => readInventory('list', text))).toBe(code);
  });
});
