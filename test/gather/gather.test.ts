/** Other hosts are asked: by a program in ssh's place, and by a real sshd where one is installed. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cpugate, isPlainFailure, root } from '../cli/run.js';

const probeIsHere = existsSync(join(root, 'native/build/Release/cpugate-probe'));

/**
 * In ssh's place: its last two arguments are the host and the command. A host is this machine, but for
 * what its name says; what it was given stands in a log.
 */
const STAND_IN = `#!/bin/sh
folder=$(dirname "$0")
while [ $# -gt 2 ]; do shift; done
host=$1
command=$2
echo "$host" >> "$folder/log"
case "$host" in
  *dead*) echo "ssh: connect to host $host port 22: Connection refused" >&2; exit 255;;
  *slow*) sleep 300 & echo $! >> "$folder/pids"; wait;;
  *garbage*) cat > /dev/null; printf 'no record\\033[2J\\377\\n'; exit 0;;
  *endless*) exec yes cpugate-record;;
  *deaf*) exec <&-; echo "Permission denied (publickey)." >&2; exit 255;;
  *liar*) cat > /dev/null; echo cpugate-record; echo '{"kind": "cpugate-host-profile", "schemaVersion": 1}'; exit 0;;
  *model*) cat > /dev/null; echo cpugate-record; cat "$folder/model.json"; exit 0;;
  *cut*) cat > /dev/null; echo cpugate-record; echo '{"kind": "cpugate-host-profile", "cpus": ['; exit 0;;
  *quiet*) cat > /dev/null; exit 3;;
  *foreign*) PATH="$folder/foreign:$PATH";;
  *nowhere*) PATH="$folder/nowhere:$PATH";;
  *noisy*) echo "Welcome to $host {"; echo cpugate-recorder; echo "last login: never" >&2;;
esac
exec sh -c "$command"
`;

function program(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

describe.skipIf(!probeIsHere)('gather', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-gather-'));
  const ssh = join(folder, 'ssh');
  let count = 0;
  let hosts = '';

  beforeAll(() => {
    program(ssh, STAND_IN);
    for (const name of ['foreign', 'nowhere']) mkdirSync(join(folder, name));
    program(
      join(folder, 'foreign/uname'),
      '#!/bin/sh\n[ "$1" = -s ] && echo Linux || echo aarch64\n',
    );
    program(join(folder, 'nowhere/mktemp'), '#!/bin/sh\nexit 1\n');
    const model = cpugate(['convert', 'haswell', '--to', 'profile']);
    writeFileSync(join(folder, 'model.json'), model.out);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function gather(names: readonly string[], { input = '' } = {}) {
    writeFileSync(join(folder, 'log'), '');
    return cpugate(['gather', ...names, '--ssh', ssh, '-o', hosts], { input });
  }
  const asked = () => readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').sort();
  const written = () => readdirSync(hosts).sort();
  /** A folder that isn't there yet. */
  const anew = () => {
    hosts = join(folder, `hosts-${++count}`, 'all');
  };

  test('writes a record a host, which is the one that cpugate probe would make there', () => {
    anew();
    const { status, out, err } = gather(['web-7', 'root@web-8', 'noisy-9']);
    expect({ status, out, err }).toEqual({ status: 0, out: `3 records in ${hosts}\n`, err: '' });
    expect(asked()).toEqual(['noisy-9', 'root@web-8', 'web-7']);
    expect(written()).toEqual(['noisy-9.json', 'web-7.json', 'web-8.json']);
    const recorded = JSON.parse(readFileSync(join(hosts, 'web-8.json'), 'utf8'));
    const here = JSON.parse(cpugate(['probe', '--name', 'web-8']).out);
    const lasting = ({ taken, cpus, ...rest }: typeof here) => ({
      ...rest,
      cpus: cpus.map((cpu: object) => ({ ...cpu, xinuse: '' })),
    });
    expect(lasting(recorded)).toEqual(lasting(here));
    expect(recorded.taken).toMatch(/^20\d\d-/);
    expect(cpugate(['check', join(hosts, 'web-7.json'), join(hosts, 'noisy-9.json')]).status).toBe(
      0,
    );
  });

  test('leaves nothing behind at the host', () => {
    anew();
    const left = () => readdirSync('/tmp').filter((name) => /^cpugate\.\w{8}$/.test(name));
    const before = new Set(left());
    expect(gather(['web-7', 'foreign-1', 'cut-1']).status).toBe(2);
    expect(left().filter((name) => !before.has(name))).toEqual([]);
  });

  test('names each host that gave none, with the reason, and writes the others', () => {
    anew();
    const names = [
      'dead',
      'foreign',
      'garbage',
      'endless',
      'deaf',
      'liar',
      'model',
      'cut',
      'quiet',
    ];
    const { status, out, err } = gather(['web-7', ...names, 'nowhere', '--parallel', '4']);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(written()).toEqual(['web-7.json']);
    const reasons: Readonly<Record<string, string>> = {
      dead: 'was not reached: ssh: connect to host dead port 22: Connection refused',
      deaf: 'was not reached: Permission denied (publickey).',
      foreign: 'is no Linux on x86-64: Linux aarch64',
      garbage: 'its answer is no record',
      endless: 'its answer has no end',
      liar: 'its answer is no record: ',
      model: 'its answer is no record of a machine',
      cut: 'its answer is no record: ',
      quiet: 'ended with status 3',
      nowhere: 'has no folder where a program may be put and run',
    };
    const lines = err.trim().split('\n');
    expect(lines.length).toBe(11);
    for (const [name, reason] of Object.entries(reasons))
      expect(lines.find((line) => line.startsWith(`cpugate: ${name}: `))).toContain(reason);
    expect(lines.at(-1)).toContain('10 of 11 hosts gave no record');
    expect(err).not.toContain('\u001b');
  }, 60_000);

  test('gives a slow host up, with all that was started for it', () => {
    anew();
    const { status, err } = gather(['slow-1', 'web-7', '--timeout', '10']);
    expect(status).toBe(2);
    expect(err).toContain('cpugate: slow-1: no answer within 10 s\n');
    expect(written()).toEqual(['web-7.json']);
    const pid = readFileSync(join(folder, 'pids'), 'utf8').trim();
    expect(
      existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '',
    ).toBe('');
  }, 60_000);

  test('asks only hosts without a record where that is wanted', () => {
    anew();
    expect(gather(['web-7', 'dead-1']).status).toBe(2);
    const first = readFileSync(join(hosts, 'web-7.json'), 'utf8');
    expect(gather(['web-7', 'dead-1', 'web-8', '--missing']).status).toBe(2);
    expect(asked()).toEqual(['dead-1', 'web-8']);
    expect(readFileSync(join(hosts, 'web-7.json'), 'utf8')).toBe(first);
    expect(gather(['web-7', 'web-8', '--missing'])).toMatchObject({ status: 0, err: '' });
    expect(gather(['web-7']).status).toBe(0);
    expect(readFileSync(join(hosts, 'web-7.json'), 'utf8')).not.toBe(first);
  });

  test('takes names from standard input and from inventories', () => {
    anew();
    const inventory = join(folder, 'hosts.ini');
    writeFileSync(inventory, '[web]\nweb-[1:2] ansible_user=root\n');
    expect(
      gather(['-', '--inventory', inventory], { input: 'web-7 # first\n\nweb-8\n' }).status,
    ).toBe(0);
    expect(asked()).toEqual(['root@web-1', 'root@web-2', 'web-7', 'web-8']);
    expect(written()).toEqual(['web-1.json', 'web-2.json', 'web-7.json', 'web-8.json']);
  });

  test.each<[string, readonly string[], string]>([
    ['no host', [], 'HOST is missing'],
    ['an option in place of a host', ['--', '-oProxyCommand=touch'], "can't be the name of a host"],
    ['a path', ['../web-7'], "can't be the name of a host"],
    ['an inventory that is not there', ['--inventory', '/no/such/file'], 'no such file'],
    ['--parallel 0', ['web-7', '--parallel', '0'], 'a number from 1'],
    ['--parallel 1e3', ['web-7', '--parallel', '1e3'], 'a number from 1'],
    ['--timeout -1', ['web-7', '--timeout=-1'], 'a number from 1'],
  ])('%s: nobody is asked', (_, args, why) => {
    anew();
    writeFileSync(join(folder, 'log'), '');
    const outcome = cpugate(['gather', '--ssh', ssh, '-o', hosts, ...args]);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain(why);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('');
    expect(existsSync(hosts)).toBe(false);
  });

  test.each([
    ['no folder is given', [], '-o FOLDER is missing'],
    ['the folder is a file', ['-o', join(folder, 'ssh', 'hosts')], 'ssh/hosts'],
    [
      'ssh is not there',
      ['-o', join(folder, 'x'), '--ssh', '/no/such/ssh -v'],
      "can't be started (ENOENT)",
    ],
    ['ssh is blank', ['-o', join(folder, 'x'), '--ssh', ' '], '--ssh is empty'],
  ])('where %s, it says so', (_, args, why) => {
    const outcome = cpugate(['gather', 'web-7', ...args]);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain(why);
  });
});

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find(existsSync);
const sshIsHere = spawnSync('ssh', ['-V']).status === 0 && SSHD !== undefined;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}

describe.skipIf(!probeIsHere || !sshIsHere)('gather with a real sshd', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-sshd-'));
  const children: ReturnType<typeof spawn>[] = [];
  let config = '';

  /** On a port of its own at 127.0.0.1; whose key it takes depends on `keys`. */
  async function startServer(name: string, keys: string): Promise<number> {
    const port = await freePort();
    const file = join(folder, `${name}.conf`);
    writeFileSync(
      file,
      `Port ${port}
ListenAddress 127.0.0.1
HostKey ${join(folder, 'host')}
AuthorizedKeysFile ${keys}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel ERROR
`,
    );
    const child = spawn(SSHD as string, ['-D', '-e', '-f', file], { stdio: 'ignore' });
    children.push(child);
    return port;
  }

  beforeAll(async () => {
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true });
    for (const name of ['host', 'user'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    const good = await startServer('good', join(folder, 'user.pub'));
    const closed = await startServer('closed', join(folder, 'none'));
    const nobody = await freePort();
    const ports = { 'web-1': good, 'web-2': good, closed, nobody };
    const blocks = Object.entries(ports).map(([name, port]) => `Host ${name}\n  Port ${port}\n`);
    config = join(folder, 'ssh_config');
    writeFileSync(
      config,
      `${blocks.join('')}Host *
  HostName 127.0.0.1
  User ${userInfo().username}
  IdentityFile ${join(folder, 'user')}
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
  BatchMode yes
`,
    );
    // Until it listens; the clock is for a machine where it never does.
    for (let tries = 0; tries < 200; tries++) {
      if (spawnSync('ssh', ['-F', config, 'web-1', 'true']).status === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }, 60_000);
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  test('records hosts that let it in, and names the others', () => {
    const hosts = join(folder, 'hosts');
    const outcome = cpugate([
      ...['gather', 'web-1', 'web-2', 'closed', 'nobody'],
      ...['-o', hosts, '--ssh', `ssh -T -F ${config}`],
    ]);
    expect(outcome.status).toBe(2);
    expect(readdirSync(hosts).sort()).toEqual(['web-1.json', 'web-2.json']);
    expect(outcome.err).toMatch(/^cpugate: closed: was not reached: .*Permission denied/m);
    expect(outcome.err).toMatch(/^cpugate: nobody: was not reached: .*Connection refused/m);
    const { status } = cpugate(['check', join(hosts, 'web-1.json'), 'localhost']);
    expect(status).toBe(0);
  }, 60_000);
});
