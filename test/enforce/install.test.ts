/** What engines are given, in which order, and what is left alone. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refuseOthersPrograms, removeFiles, writeFiles } from '../../src/enforce/install-files.js';
import {
  checkMaskName,
  ENGINES,
  type Engine,
  type InstallFile,
  installFiles,
  usageLines,
} from '../../src/enforce/install-plan.js';

const planFor = (engine: Engine, name = 'cluster', hasScripts = true) =>
  installFiles({
    ...{ engine, name, hasScripts, baseline: '{"kind": "cpugate-baseline"}\n' },
    command: ['/usr/bin/node', "/opt/it's/cpugate.cjs"],
  });
const pathsOf = (files: readonly InstallFile[]) => files.map(({ path }) => path);
const named = (files: readonly InstallFile[], path: string) =>
  files.find((file) => file.path === path)?.content ?? '';

const SHARED = ['/etc/cpugate/cluster.json', '/etc/cpugate/oci-hook', '/etc/cpugate/criu-hook'];

describe('what is written', () => {
  test.each<[Engine, string[]]>([
    [
      'podman',
      [
        ...['/etc/criu/runc.conf', '/etc/criu/crun.conf', '/etc/cdi/cpugate-cluster.json'],
        '/etc/containers/oci/hooks.d/cpugate-cluster.json',
        '/etc/containers/containers.conf.d/50-cpugate.conf',
      ],
    ],
    [
      'crio',
      [
        ...['/etc/criu/runc.conf', '/etc/criu/crun.conf', '/etc/cdi/cpugate-cluster.json'],
        '/etc/containers/oci/hooks.d/cpugate-cluster.json',
        '/etc/crio/crio.conf.d/50-cpugate.conf',
      ],
    ],
    ['containerd', ['/etc/criu/runc.conf', '/etc/cdi/cpugate-cluster.json']],
    ['runc', ['/etc/criu/runc.conf']],
  ])('for %s: the programs before what names them', (engine, rest) => {
    expect(pathsOf(planFor(engine))).toEqual([...SHARED, ...rest]);
    expect(usageLines(engine, 'cluster').join()).toContain('cluster');
  });

  test('no configuration of CRIU where it takes no scripts', () => {
    for (const engine of ENGINES)
      expect(
        pathsOf(planFor(engine, 'a', false)).filter((path) => path.includes('/etc/criu')),
      ).toEqual([]);
  });

  test("a hook that Podman and CRI-O take for the mask's annotation alone", () => {
    const files = planFor('podman', 'v2.a');
    const hook = JSON.parse(named(files, '/etc/containers/oci/hooks.d/cpugate-v2.a.json'));
    expect(hook).toEqual({
      version: '1.0.0',
      hook: {
        path: '/etc/cpugate/oci-hook',
        args: ['oci-hook', '--mask', '/etc/cpugate/v2.a.json'],
      },
      when: { annotations: { '^dev\\.cpugate/mask$': '^v2\\.a$' } },
      stages: ['createRuntime'],
    });
    const [[key, value] = ['', '']] = Object.entries<string>(hook.when.annotations);
    expect([key, value].map((one) => new RegExp(one))).toEqual([/^dev\.cpugate\/mask$/, /^v2\.a$/]);
  });

  test('a device of CDI', () => {
    expect(JSON.parse(named(planFor('containerd'), '/etc/cdi/cpugate-cluster.json'))).toEqual({
      cdiVersion: '0.5.0',
      kind: 'cpugate.dev/mask',
      devices: [
        {
          name: 'cluster',
          containerEdits: {
            hooks: [
              {
                hookName: 'createRuntime',
                path: '/etc/cpugate/oci-hook',
                args: ['oci-hook', '--mask', '/etc/cpugate/cluster.json'],
              },
            ],
          },
        },
      ],
    });
  });

  test('scripts that start cpugate, whatever is in its path', () => {
    const files = planFor('runc');
    expect(named(files, '/etc/cpugate/oci-hook')).toMatch(
      /^#!\/bin\/sh\n# Written by .*\nexec '\/usr\/bin\/node' '\/opt\/it'\\''s\/cpugate\.cjs' 'hook' 'oci' "\$@"\n$/,
    );
    expect(named(files, '/etc/cpugate/criu-hook')).toMatch(
      /^#!\/bin\/sh\n# Written by .*\ncase .*\nexec .* 'hook' 'criu'\n$/,
    );
    expect(named(files, '/etc/criu/runc.conf')).toMatch(
      /^# Written by .*\naction-script \/etc\/cpugate\/criu-hook\n$/,
    );
  });

  test.each(['cluster', 'v2', '0.a-b'])('%s is a name', (name) => {
    expect(checkMaskName(name)).toBe(name);
  });
  test.each(['', '.a', '-a', 'A', 'a/b', '../a', 'a_b', 'a b', '^a$', 'a'.repeat(64), 'ä'])(
    '"%s" is no name',
    (name) => {
      expect(() => checkMaskName(name)).toThrow(/can't be a mask's name/);
    },
  );
});

describe.runIf(process.platform === 'linux')('in a file tree', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cpugate-install-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const at = (path: string) => join(root, path);
  const put = (path: string, content: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), content);
  };
  const filesLeft = () =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((one) => !one.isDirectory())
      .map((one) => join(one.parentPath, one.name).slice(root.length))
      .sort();

  test('everything is there, once, and can be executed where it is a program', () => {
    const files = planFor('podman');
    expect(writeFiles(root, files)).toEqual(files);
    expect(filesLeft()).toEqual(pathsOf(files).sort());
    expect(statSync(at('/etc/cpugate/oci-hook')).mode & 0o777).toBe(0o755);
    expect(statSync(at('/etc/cpugate/cluster.json')).mode & 0o777).toBe(0o644);
    expect(writeFiles(root, files)).toEqual([]);
  });

  test('what another release of cpugate wrote is replaced', () => {
    const files = planFor('podman');
    for (const path of [
      '/etc/cpugate/oci-hook',
      '/etc/containers/oci/hooks.d/cpugate-cluster.json',
    ])
      put(path, `${named(files, path)}\n`);
    expect(writeFiles(root, files)).toHaveLength(files.length);
  });

  test.each<[string, string, RegExp]>([
    [
      '/etc/criu/runc.conf',
      'tcp-established\n',
      /^Add to it, .*: action-script \/etc\/cpugate\/criu-hook$/,
    ],
    ['/etc/containers/oci/hooks.d/cpugate-cluster.json', '{"hook": {}}', /--name/],
    ['/etc/cdi/cpugate-cluster.json', 'no JSON', /--name/],
    ['/etc/cpugate/cluster.json', '{"kind": "cpugate-baseline", "other": 1}', /--name/],
    ['/etc/cpugate/oci-hook', '#!/bin/sh\n', /^Move it away/],
  ])("%s of somebody else's is left as it is, and nothing is written", (path, content, remedy) => {
    put(path, content);
    expect(() => writeFiles(root, planFor('podman'))).toThrow(
      expect.objectContaining({ code: 'not-ours', remedy: expect.stringMatching(remedy) }),
    );
    expect(filesLeft()).toEqual([path]);
    expect(readFileSync(at(path), 'utf8')).toBe(content);
    expect(removeFiles(root, planFor('podman'))).toEqual([]);
    expect(filesLeft()).toEqual([path]);
  });

  test("somebody's settings that name our script are enough, stay, and keep it", () => {
    put('/etc/criu/runc.conf', 'tcp-established\n  action-script /etc/cpugate/criu-hook\n');
    writeFiles(root, planFor('runc'));
    expect(readFileSync(at('/etc/criu/runc.conf'), 'utf8')).toMatch(/^tcp-established\n/);
    removeFiles(root, planFor('runc'));
    expect(filesLeft()).toEqual(['/etc/cpugate/criu-hook', '/etc/criu/runc.conf']);
  });

  test('a link in the place of a file is not followed', () => {
    put('/elsewhere', 'kept');
    mkdirSync(at('/etc/cpugate'), { recursive: true });
    symlinkSync(at('/elsewhere'), at('/etc/cpugate/oci-hook'));
    expect(() => writeFiles(root, planFor('podman'))).toThrow(/isn't cpugate's/);
    expect(readFileSync(at('/elsewhere'), 'utf8')).toBe('kept');
  });

  test('removed goes first what names a program', () => {
    const files = planFor('podman');
    writeFiles(root, files);
    const removed = pathsOf(removeFiles(root, files));
    expect(removed.toSorted()).toEqual(pathsOf(files).sort());
    const place = (path: string) => removed.indexOf(path);
    for (const naming of [
      '/etc/containers/oci/hooks.d/cpugate-cluster.json',
      '/etc/cdi/cpugate-cluster.json',
    ])
      expect(place(naming)).toBeLessThan(place('/etc/cpugate/oci-hook'));
    expect(place('/etc/criu/runc.conf')).toBeLessThan(place('/etc/cpugate/criu-hook'));
    expect(filesLeft()).toEqual([]);
  });

  test('programs stay while another mask needs them', () => {
    writeFiles(root, planFor('podman', 'other'));
    writeFiles(root, planFor('podman'));
    removeFiles(root, planFor('podman'));
    expect(filesLeft()).toEqual(pathsOf(planFor('podman', 'other')).sort());
    expect(existsSync(at('/etc/cpugate/oci-hook'))).toBe(true);
  });

  test.runIf(process.getuid?.() === 0)("a program that isn't root's is refused", () => {
    put('/program', '');
    expect(() => refuseOthersPrograms([at('/program')])).not.toThrow();
    chmodSync(at('/program'), 0o777);
    expect(() => refuseOthersPrograms([at('/program')])).toThrow(/others may write to it/);
  });
});
