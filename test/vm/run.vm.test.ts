/**
 * The commands as a user types them, on hosts that this machine isn't: their baselines are made of what
 * `cpugate probe` recorded on the hosts themselves.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import validate from '../../src/generated/verify-report.js';
import { isHere } from '../export/tools.js';
import { type Guest, labIsHere, projectRoot, runInGuest } from './lab.js';
import { supervisorIsHere } from './masking/supervisor.js';

const program = join(projectRoot, 'dist', 'cpugate.cjs');
const cpugate = `node ${program}`;
const LOADER = '/lib64/ld-linux-x86-64.so.2';

const HOSTS = {
  sandybridge: { cpu: 'SandyBridge', kernel: '6.1' },
  haswell: { cpu: 'Haswell', kernel: '6.1' },
  pku: { cpu: 'Haswell,+pku', kernel: '7.2', cpus: 2 },
  milan: { cpu: 'EPYC-Milan', kernel: '7.2', faulting: true },
} as const satisfies Record<string, Guest>;
type HostName = keyof typeof HOSTS;

/** Which hosts make a cluster. */
const CLUSTERS = {
  haswell: ['haswell'],
  pku: ['pku'],
  mixed: ['sandybridge', 'pku'],
  vendors: ['haswell', 'milan'],
  all: ['sandybridge', 'haswell', 'pku', 'milan'],
} as const satisfies Record<string, readonly HostName[]>;
type ClusterName = keyof typeof CLUSTERS;

const MARK = '-- step';

describe.skipIf(!labIsHere || !supervisorIsHere || !existsSync(program))(
  'cpugate in a guest',
  () => {
    let folder = '';
    const at = (name: string) => join(folder, name);
    const mask = (name: ClusterName | 'v2') => at(`${name}.json`);

    function local(...args: readonly string[]): void {
      execFileSync(process.execPath, [program, ...args], { stdio: 'pipe' });
    }

    /** What each line printed, and its status, in one boot. */
    async function steps(guest: Guest, lines: readonly string[]) {
      const script = lines.map((line) => `${line}\necho "${MARK} $?"`).join('\n');
      const shared = { ...guest, shares: [folder], seconds: 280 };
      const { status, output } = await runInGuest(shared, ['sh', '-c', script]);
      expect(status, output).toBe(0);
      const parts = output.split(new RegExp(`${MARK} (\\d+)\\n?`));
      return lines.map((line, place) => ({
        line,
        output: parts[place * 2] ?? '',
        status: Number(parts[place * 2 + 1]),
      }));
    }

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'cpugate-run-vm-'));
      const record = async (name: HostName) => {
        const [probed] = await steps(HOSTS[name], [
          `${cpugate} probe --name ${name} -o ${at(`${name}.host`)}`,
        ]);
        expect(probed?.status, probed?.output).toBe(0);
      };
      const names = Object.keys(HOSTS) as HostName[];
      await Promise.all(names.slice(0, 2).map(record));
      await Promise.all(names.slice(2).map(record));
      for (const [name, hosts] of Object.entries(CLUSTERS))
        local('baseline', ...hosts.map((host) => at(`${host}.host`)), '-o', at(`${name}.json`));
      local('baseline', 'x86-64-v2', '-o', mask('v2'));
    }, 600_000);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const VERIFIED: readonly (readonly [HostName, ClusterName | 'v2'])[] = [
      ['haswell', 'all'],
      ['haswell', 'v2'],
      ['pku', 'mixed'],
      ['pku', 'all'],
      ['milan', 'vendors'],
      ['milan', 'all'],
    ];

    test.concurrent.each(VERIFIED)(
      'verify on %s finds the mask of "%s" kept',
      async (host, cluster) => {
        const [text, json] = await steps(HOSTS[host], [
          `${cpugate} verify --mask ${mask(cluster)}`,
          `${cpugate} verify --mask ${mask(cluster)} --json > ${at(`${host}-${cluster}.verify`)}`,
        ]);
        expect(text?.status, text?.output).toBe(0);
        expect(text?.output).toMatch(/: the mask holds\n/);
        expect(json?.status, json?.output).toBe(0);
        const report = JSON.parse(readFileSync(at(`${host}-${cluster}.verify`), 'utf8'));
        expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
        expect(report).toMatchObject({ verdict: 'kept', wrong: [], missing: [], shown: [] });
        expect(report.answers).toBeGreaterThan(20);
        // Times of an emulated CPU mean nothing; that there are some does.
        for (const name of ['unmaskedSwitch', 'mixedSwitch', 'maskedSwitch', 'trapOnOneCpu'])
          expect(report.cost[name], name).toBeGreaterThan(0);
        const leaks = report.leaks.map(({ code }: { code: string }) => code);
        if (cluster !== 'all' || host !== 'haswell') expect(leaks.length).toBeGreaterThan(0);
      },
    );

    test('glibc takes the libraries of the baseline, not of the CPU', async () => {
      const [bare, masked, script] = await steps(HOSTS.haswell, [
        `${LOADER} --help`,
        `${cpugate} run --mask ${mask('v2')} -- ${LOADER} --help`,
        `${cpugate} run --mask ${mask('v2')} -- sh -c '${LOADER} --help'`,
      ]);
      expect(bare?.output).toMatch(/x86-64-v3 \(supported, searched\)/);
      for (const one of [masked, script]) {
        expect(one?.status, one?.output).toBe(0);
        expect(one?.output).toMatch(/x86-64-v2 \(supported, searched\)/);
        expect(one?.output).toMatch(/x86-64-v3\n/);
      }
    });

    test('run hands on arguments, streams and status, and keeps nothing', async () => {
      const run = `${cpugate} run --mask ${mask('all')}`;
      const results = await steps(HOSTS.haswell, [
        `${run} -- printf '[%s]' '' --mask -- x -h`,
        `echo through | ${run} -- cat`,
        `${run} -- sh -c 'exit 7'`,
        `${run} -- sh -c 'kill -TERM $$'`,
        `${run} -- no-such-program`,
        `${run} -- /etc/passwd`,
        `${run} --pid-file ${at('pid')} -- sh -c 'kill -0 $(cat ${at('pid')}) && echo alive'`,
        `${run} -- sh -c 'grep ^Sig[BI] /proc/self/status; ls /proc/self/fd | wc -l'; ls /proc/self/fd | wc -l`,
        'ls /run/cpugate',
      ]);
      const seen = results.map(({ status, output }) => ({ status, output }));
      expect(seen.slice(0, 2)).toEqual([
        { status: 0, output: '[][--mask][--][x][-h]' },
        { status: 0, output: 'through\n' },
      ]);
      expect(seen.slice(2, 6).map(({ status }) => status)).toEqual([7, 143, 127, 126]);
      expect(seen[6]).toEqual({ status: 0, output: 'alive\n' });
      expect(seen[7]?.output).toMatch(/^SigBlk:\t0+\nSigIgn:\t0+\n(\d+)\n\1\n$/);
      // Of one mask, however many programs: it, and its baseline for a dump of theirs.
      expect(seen[8]?.output).toMatch(/^([0-9a-f]{16}-[0-9a-f]{8})\.json\n\1\.mask\n$/);
    });

    test('run --verbose says what is hidden and what it costs before the program starts', async () => {
      const [ran] = await steps(HOSTS.haswell, [
        `${cpugate} run --verbose --mask ${mask('v2')} -- echo started`,
      ]);
      expect(ran?.status, ran?.output).toBe(0);
      expect(ran?.output).toMatch(
        /: the mask is v2\.json, x86-64-v2\n.*: hidden here: .*avx2.*\n.*: what it costs here: A switch .*\nstarted\n$/,
      );
    });

    const REFUSED: readonly (readonly [string, HostName | Guest, ClusterName | 'v2', RegExp])[] = [
      [
        'a feature that the host lacks',
        'sandybridge',
        'haswell',
        /can't give .*: instruction-missing: .*avx2/,
      ],
      [
        'an area that is too large',
        'pku',
        'haswell',
        /xsave-area-grows: The XSAVE area grows from 832 to 2696 bytes/,
      ],
      [
        'Intel without faulting',
        { cpu: 'Haswell', kernel: '6.1', faulting: false },
        'haswell',
        /ENODEV/,
      ],
      [
        'AMD without faulting',
        { cpu: 'EPYC', kernel: '7.2', faulting: false },
        'v2',
        /ENODEV.*Zen 4/,
      ],
    ];

    test.concurrent.each(REFUSED)(
      'run refuses %s with status 69',
      async (_, host, cluster, why) => {
        const guest = typeof host === 'string' ? HOSTS[host] : host;
        const [ran, verified] = await steps(guest, [
          `${cpugate} run --mask ${mask(cluster)} -- echo unmasked`,
          `${cpugate} verify --mask ${mask(cluster)}`,
        ]);
        for (const one of [ran, verified]) {
          expect(one?.status, one?.output).toBe(69);
          expect(one?.output).toMatch(why);
          expect(one?.output).not.toMatch(/^unmasked/m);
        }
      },
    );

    test.skipIf(!isHere('gcc', '--version'))('run refuses a program built for more', async () => {
      writeFileSync(at('main.c'), 'int main(void) { return 0; }\n');
      const options = ['-march=x86-64-v3', '-Wl,-z,x86-64-v3', '-o', at('v3'), at('main.c')];
      execFileSync('gcc', options);
      const [under, over] = await steps(HOSTS.haswell, [
        `${cpugate} run --mask ${mask('v2')} -- ${at('v3')}`,
        `${cpugate} run --mask ${mask('haswell')} -- ${at('v3')}`,
      ]);
      expect(under?.status).toBe(2);
      expect(under?.output).toMatch(/v3: needs x86-64-v3, and the baseline shows only x86-64-v2/);
      expect(over?.status, over?.output).toBe(0);
    });

    test('set-user-id programs gain their user where the supervisor is root', async () => {
      const asNobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
      const supervisor = join(projectRoot, 'native', 'build', 'Release', 'cpugate-supervisor');
      const results = await steps(HOSTS.haswell, [
        'cp /usr/bin/id /tmp/id && chown 1 /tmp/id && chmod u+s /tmp/id',
        `${cpugate} run --mask ${mask('v2')} -- /tmp/id -u`,
        `cp ${supervisor} /tmp/supervisor && cp /run/cpugate/*.mask /tmp/v2.mask && chmod 644 /tmp/v2.mask`,
        `${asNobody} /tmp/id -u`,
        `${asNobody} /tmp/supervisor run --mask /tmp/v2.mask -- /tmp/id -u`,
      ]);
      expect(results.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
      const users = results.map(({ output }) => output.trim());
      expect([users[1], users[3], users[4]]).toEqual(['1', '1', '65534']);
    });

    test('attach masks what runs, and detach lets it live', async () => {
      const ask = `${LOADER} --help | grep -c 'x86-64-v3 (supported'`;
      const results = await steps(HOSTS.haswell, [
        // Asks anew, by a new program, whenever it is told to.
        `cat > ${at('server.sh')} <<'END'\nwhile read line < /tmp/asks; do ${ask} > /tmp/answers; done\nEND`,
        `mkfifo /tmp/asks /tmp/answers`,
        `setsid sh ${at('server.sh')} </dev/null >/dev/null 2>&1 & echo $! > ${at('server.pid')}`,
        `echo > /tmp/asks; cat /tmp/answers`,
        `${cpugate} attach --mask ${mask('v2')} --pid $(cat ${at('server.pid')}) --background`,
        `echo > /tmp/asks; cat /tmp/answers`,
        `${cpugate} detach --pid $(cat ${at('server.pid')})`,
        `echo > /tmp/asks; cat /tmp/answers`,
        `${cpugate} detach --pid $(cat ${at('server.pid')})`,
        `kill $(cat ${at('server.pid')})`,
      ]);
      const [bare, attached, masked, detached, after, again] = results.slice(3);
      expect(bare?.output).toBe('1\n');
      expect(attached?.status, attached?.output).toBe(0);
      expect(masked?.output).toBe('0\n');
      expect(detached?.status, detached?.output).toBe(0);
      expect(after?.output).toBe('1\n');
      expect(again?.status).toBe(1);
    });
  },
);
