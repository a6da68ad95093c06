/**
 * The package installed where nothing can be compiled: a tree of Debian 11, whose glibc is 2.31, with
 * the Node and the npm that run the tests, and no network. It wants root and debootstrap, which
 * fetches the tree; a tree is kept for a week.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cpugate, type Outcome, root } from '../cli/run.js';
import { canPrebuild, cpusOf, pack, prebuild } from './package.js';

/** As it was fetched; each run has a copy. */
const FETCHED = '/var/tmp/cpugate-debian-11';
const WEEK_MS = 7 * 24 * 3600 * 1000;

function succeeds(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore', timeout: 60_000 }).status === 0;
}

const canTry =
  canPrebuild &&
  process.getuid?.() === 0 &&
  succeeds('debootstrap', ['--version']) &&
  succeeds('unshare', ['--mount', '--net', '--pid', '--fork', 'true']);

function isFresh(): boolean {
  const done = join(FETCHED, '.complete');
  return existsSync(done) && Date.now() - statSync(done).mtimeMs < WEEK_MS;
}

/** Whole or not at all: another run may be fetching it, too. */
function fetchTree(): void {
  const draft = `${FETCHED}.${process.pid}`;
  const args = ['--variant=minbase', 'bullseye', draft];
  const { status } = spawnSync('debootstrap', args, { stdio: 'ignore', timeout: 400_000 });
  try {
    if (status === 0 && !isFresh()) {
      writeFileSync(join(draft, '.complete'), '');
      rmSync(FETCHED, { recursive: true, force: true });
      renameSync(draft, FETCHED);
    }
  } catch {
    // The other one was first.
  }
  rmSync(draft, { recursive: true, force: true });
}

function hasTree(): boolean {
  if (canTry && !isFresh()) fetchTree();
  return canTry && isFresh();
}

const isTree = hasTree();
const TREE = isTree ? mkdtempSync('/var/tmp/cpugate-tree-') : '';

/** Node's one file, and npm, as an administrator would unpack them. */
function addNode(): void {
  mkdirSync(join(TREE, 'usr/local/lib/node_modules'), { recursive: true });
  cpSync(process.execPath, join(TREE, 'usr/local/bin/node'));
  const command = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim();
  const npm = realpathSync(join(realpathSync(command), '..', '..'));
  const target = join(TREE, 'usr/local/lib/node_modules/npm');
  cpSync(npm, target, { recursive: true, verbatimSymlinks: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(TREE, 'usr/local/bin/npm'));
}

const LIMIT_MS = 300_000;

/** A shell in the tree, with a /proc and no network. */
function inTree(script: string): Outcome {
  const outer = `mount -t proc proc "$1/proc" && exec chroot "$1" /bin/sh -c "$2"`;
  const args = ['--mount', '--net', '--pid', '--fork', 'sh', '-c', outer, 'sh', TREE, script];
  const { status, stdout, stderr } = spawnSync('unshare', args, {
    encoding: 'utf8',
    env: { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8' },
    timeout: LIMIT_MS,
  });
  return { status, out: stdout, err: stderr };
}

const folder = mkdtempSync(join(tmpdir(), 'cpugate-install-'));
beforeAll(() => {
  if (!isTree) return;
  execFileSync('cp', ['-a', `${FETCHED}/.`, TREE]);
  prebuild();
  addNode();
  cpSync(pack(folder), join(TREE, 'cpugate.tgz'));
}, LIMIT_MS);
afterAll(() => {
  if (isTree) rmSync(TREE, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}, LIMIT_MS);

describe.skipIf(!isTree)('in a Debian 11 tree without a compiler', () => {
  test('there is none', () => {
    const { out } = inTree(
      'cat /etc/debian_version; for p in node cc gcc g++ make python3; do command -v $p; done',
    );
    expect(out).toMatch(/^11\.\d+\n\/usr\/local\/bin\/node\n$/);
  });

  describe.each([['--ignore-scripts'], ['']])('npm install -g %s', (option) => {
    const prefix = `/opt/cpugate${option}`;
    const program = `${prefix}/bin/cpugate`;
    beforeAll(() => {
      const { status, err } = inTree(
        `npm install -g --offline --no-audit --no-fund --prefix ${prefix} ${option} /cpugate.tgz`,
      );
      expect({ status, err }).toEqual({ status: 0, err: expect.not.stringContaining('ERR') });
    }, LIMIT_MS);

    test('compiles nothing', () => {
      const made = join(TREE, prefix, 'lib/node_modules/cpugate/native/build');
      expect(existsSync(made)).toBe(false);
    });

    test.each([
      [['--version']],
      [['show', 'localhost', '--json']],
      [['check', 'x86-64-v2', 'localhost', '--json']],
      [['check', 'haswell', 'skylake-sp']],
      [['explain', 'avx2']],
      [['nonsense']],
    ])('%j answers as the checkout does', (args) => {
      const there = inTree(`${program} ${args.join(' ')}`);
      const here = cpugate(args);
      expect(there.status).toBe(here.status);
      if (args.includes('--json') && args[0] === 'show')
        expect(JSON.parse(there.out).features).toEqual(JSON.parse(here.out).features);
      else expect({ out: there.out, err: there.err }).toEqual({ out: here.out, err: here.err });
    });

    test('probes as the build from source does', () => {
      const there = inTree(`${program} probe`);
      expect({ status: there.status, err: there.err }).toEqual({ status: 0, err: '' });
      expect(cpusOf(there.out)).toEqual(cpusOf(cpugate(['probe']).out));
      expect(JSON.parse(there.out).system.glibc.version).toBe('2.31');
    });

    test('its supervisor says of the CPU and the kernel what the one that was built here says', () => {
      const file = 'prebuilds/linux-x64/cpugate-supervisor';
      const there = inTree(`${prefix}/lib/node_modules/cpugate/${file} probe`);
      const built = join(root, 'native/build/Release/cpugate-supervisor');
      const here = spawnSync(built, ['probe'], { encoding: 'utf8' });
      // Other leaves differ from one logical CPU to the next.
      const alike = (out: string) => out.match(/^([07d]|8000000[234]|xcr0|hwcap2?|arch\S*) .*$/gm);
      expect(alike(here.stdout)?.length).toBeGreaterThan(8);
      expect({ status: there.status, of: alike(there.out) }).toEqual({
        status: here.status,
        of: alike(here.stdout),
      });
    });

    test('runs and verifies under a mask, or refuses, as the checkout does', () => {
      const script = `cd /tmp && rm -f *.json && ${program} probe > h.json
        ${program} baseline h.json -o b.json > /dev/null
        ${program} run --mask b.json -- /bin/true; echo "run $?"
        ${program} verify --mask b.json --json > verify.json; echo "verify $?"`;
      const there = inTree(script);
      const mask = join(folder, 'b.json');
      const profile = join(folder, 'h.json');
      writeFileSync(profile, cpugate(['probe']).out);
      rmSync(mask, { force: true });
      cpugate(['baseline', profile, '-o', mask]);
      const ran = cpugate(['run', '--mask', mask, '--', '/bin/true']).status;
      const verified = cpugate(['verify', '--mask', mask, '--json']).status;
      expect(there.out).toBe(`run ${ran}\nverify ${verified}\n`);
    });
  });

  test('a build from source is asked for: one line says what it lacks', () => {
    const { status, err } = inTree(
      'npm_config_build_from_source=cpugate npm install -g --offline --prefix /opt/source /cpugate.tgz',
    );
    expect(status).not.toBe(0);
    expect(err).toMatch(/can't be built without python3, make, g\+\+;.*build_from_source asks/);
  });
});
