/** Archives of engines, and of people, wherever a dump is taken. */
import { spawn } from 'node:child_process';
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
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dumpMembers, stored, tarOf } from '../archives/pack.js';
import { cpugate, isPlainFailure, program } from './run.js';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const exported = (name: string) => join(fixtures, 'archives', `podman-${name}`);
const haswell = join(fixtures, 'images', 'haswell');
const hostOf = (name: string) => join(fixtures, 'images', name, 'cpugate-record.json');

let folder = '';
const at = (...parts: string[]) => join(folder, ...parts);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-cli-archives-'));
  mkdirSync(at('tmp'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, bytes: Uint8Array): string {
  writeFileSync(at(name), bytes);
  return at(name);
}

const container = () => [
  { name: 'spec.dump', content: '{}' },
  ...dumpMembers('haswell', 'checkpoint'),
];

describe('an archive', () => {
  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['web.tar', (bytes) => bytes],
    ['web.tar.gz', gzipSync],
    ['of-any-name', stored],
  ])('is checked as the folder is: %s', (name, pack) => {
    const path = put(name, pack(tarOf(container())));
    for (const to of ['haswell', 'nehalem']) {
      const [archive, plain] = [path, haswell].map((from) => {
        const { status, out } = cpugate(['check', from, hostOf(to), '--json']);
        const { verdict, findings, images } = JSON.parse(out);
        const codes = findings.map(({ code }: { code: string }) => code);
        return { status, verdict, codes, images: { ...images, folder: '' } };
      });
      expect(archive).toEqual(plain);
    }
    expect(cpugate(['check', path, hostOf('haswell')]).out).toMatch(new RegExp(`^${name} →`));
  });

  it('of Podman is unknown as long as nothing tells its CPU', () => {
    for (const name of ['gzip', 'zstd']) {
      const { status, out } = cpugate(['check', exported(name), hostOf('haswell'), '--json']);
      const report = JSON.parse(out);
      expect([status, report.verdict, report.images.processes]).toEqual([4, 'unknown', 1]);
    }
    expect(isPlainFailure(cpugate(['show', exported('gzip')]))).toBe(true);
  });

  it('is a host where one is asked for, with the tasks or without', () => {
    const show = (host: string) => {
      const { name: _, ...rest } = JSON.parse(cpugate(['show', host, '--json']).out);
      return rest;
    };
    const path = put('web.tar', tarOf(container()));
    expect(show(path)).toEqual(show(haswell));
    expect(cpugate(['convert', path, '--to', 'profile']).out).toContain('"xcr0"');
    expect(cpugate(['check', hostOf('haswell'), path]).status).toBe(0);
  });

  it("that is unpacked is one, too, and so is an engine's folder", () => {
    mkdirSync(at('web', 'checkpoint'), { recursive: true });
    for (const { name, content = '' } of container()) writeFileSync(at('web', name), content);
    expect(cpugate(['check', at('web'), hostOf('haswell')]).out).toMatch(/^web →/);
    expect(cpugate(['show', at('web')]).status).toBe(0);
    rmSync(at('web', 'checkpoint', 'inventory.img'));
    for (const args of [
      ['check', at('web', 'checkpoint'), 'haswell', '--root', '/'],
      ['check', at('web'), 'haswell'],
      ['show', at('web')],
    ]) {
      const outcome = cpugate(args);
      expect(outcome.err).toContain('holds the remains of a dump that failed');
      expect(isPlainFailure(outcome)).toBe(true);
    }
  });

  it.each<[string, () => string[], RegExp]>([
    [
      'is no dump',
      () => ['check', put('x.tar', tarOf([{ name: 'a' }])), 'haswell'],
      /x\.tar: holds no dump of CRIU/,
    ],
    [
      'is cut',
      () => ['show', put('x.gz', gzipSync(tarOf(container())).subarray(0, 2000))],
      /gzip data are damaged, or end too early/,
    ],
    [
      'is a packed text',
      () => ['convert', put('x.gz', gzipSync('flags')), '--to', 'profile'],
      /ends in the middle/,
    ],
  ])('that %s fails with one message', (_, args, message) => {
    const outcome = cpugate(args());
    expect(outcome.err).toMatch(message);
    expect(isPlainFailure(outcome)).toBe(true);
  });

  it('on standard input is asked for by its name', () => {
    const outcome = cpugate(['show', '-'], { input: gzipSync(tarOf(container())) });
    expect(outcome.err).toBe(
      'cpugate: standard input: is an archive\n  Name its file: what lies at its end may be wanted first.\n',
    );
    expect(outcome.status).toBe(2);
  });
});

/** A CRIU that tells what it was given, and then does `last`. */
function fakeCriu(last: string): Record<string, string> {
  mkdirSync(at('bin'));
  writeFileSync(
    at('bin', 'criu'),
    `#!/bin/sh
case "$1" in --version) echo "Version: 3.17.1"; exit 0;; esac
for given; do [ "\${before:-}" = --images-dir ] && folder=$given; [ "\${given#--images-dir=}" = "$given" ] || folder=\${given#--images-dir=}; before=$given; done
{ stat -c %a "$folder"; ls "$folder"; } > ${at('seen.part')}
mv ${at('seen.part')} ${at('seen')}
${last}
`,
  );
  chmodSync(at('bin', 'criu'), 0o755);
  return { PATH: `${at('bin')}:${process.env.PATH}`, TMPDIR: at('tmp') };
}

const restoring = (path: string, ...more: string[]) => [
  'restore',
  '--images',
  path,
  '--runtime-dir',
  at('run'),
  ...more,
];

const hasProbe = process.platform === 'linux' && process.arch === 'x64';

describe.runIf(hasProbe)('restore --images ARCHIVE', () => {
  /** Without the record's mask: no host has to be able to enforce it. */
  const archive = () => put('web.tar.gz', gzipSync(tarOf(dumpMembers('haswell', 'web'))));

  it('gives CRIU the images in a folder of its own, which is gone afterwards', () => {
    const env = fakeCriu('exit 1');
    const outcome = cpugate(restoring(archive(), '--force'), { env });
    expect(outcome.err).toContain('the restore failed at the step "CRIU"');
    const expected = readdirSync(haswell).sort();
    expect(readFileSync(at('seen'), 'utf8').trim().split('\n')).toEqual(['700', ...expected]);
    expect(readdirSync(at('tmp'))).toEqual([]);
  });

  it('leaves nothing behind where the gate refuses, and calls the archive by its name', () => {
    const env = fakeCriu('exit 1');
    const images = put(
      'nehalem.tar',
      tarOf(dumpMembers('haswell', '').filter(({ name }) => !/record|cpuinfo/.test(name))),
    );
    const outcome = cpugate(restoring(images), { env });
    expect(outcome.status).toBe(4);
    expect(outcome.err).toMatch(/^nehalem\.tar|nehalem\.tar →/m);
    expect(outcome.err).toContain('not restored');
    expect(existsSync(at('seen'))).toBe(false);
    expect(readdirSync(at('tmp'))).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'leaves nothing behind where %s ends it',
    async (signal) => {
      const env = fakeCriu('exec sleep 20');
      const child = spawn(process.execPath, [program, ...restoring(archive(), '--force')], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', (text) => {
        said += text;
      });
      const ended = new Promise((resolve) => child.on('exit', (_, by) => resolve(by)));
      while (!existsSync(at('seen')) && child.exitCode === null)
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(readdirSync(at('tmp')), said).toHaveLength(1);
      child.kill(signal);
      expect(await ended).toBe(signal);
      expect(readdirSync(at('tmp'))).toEqual([]);
    },
    60_000,
  );

  it('of a container says which engine puts it back, and unpacks nothing', () => {
    const env = fakeCriu('exit 1');
    const path = exported('zstd');
    const outcome = cpugate(restoring(path), { env });
    expect(outcome.err).toBe(
      `cpugate: ${path}: is a container's dump, and CRIU alone can't put back a container\n` +
        `  Podman can: "podman container restore --import ${path}". ` +
        `"cpugate check ${path} localhost" tells before whether its tasks can go on here.\n`,
    );
    expect(isPlainFailure(outcome)).toBe(true);
    expect(readdirSync(at('tmp'))).toEqual([]);
  });
});
