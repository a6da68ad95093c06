/**
 * Those who read files of environment variables: what each makes of one. Undefined where one isn't
 * installed, or doesn't work here.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isHere } from './tools.js';

export type Variables = Readonly<Record<string, string>>;
export type Reader = (content: string) => Promise<Variables>;

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-env-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const result = work(folder);
    if (result instanceof Promise) return result.finally(remove) as T;
    remove();
    return result;
  } catch (error) {
    remove();
    throw error;
  }
}

/** "NAME=value" each. */
function variables(assignments: readonly string[]): Variables {
  return Object.fromEntries(
    assignments
      .filter((one) => one !== '')
      .map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
  );
}

/** A shell that reads the file, and starts a program. */
export function shellReader(shell: string): Reader | undefined {
  if (!isHere(shell, '-c', ':')) return undefined;
  return async (content) =>
    inFolder((folder) => {
      const file = join(folder, 'x.sh');
      writeFileSync(file, content);
      const out = execFileSync(shell, ['-c', '. "$1" && exec env -0', 'x', file], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH },
      });
      return variables(out.split('\0'));
    });
}

const GENERATOR = '/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator';

/**
 * The generator for environment.d reads with systemd's one parser of such files, and expands "$" on
 * top, which EnvironmentFile= doesn't. It prints values as a shell would have them in quotes.
 */
function generatorReader(): Reader | undefined {
  if (!existsSync(GENERATOR)) return undefined;
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t' };
  return async (content) =>
    inFolder((folder) => {
      mkdirSync(join(folder, 'environment.d'));
      writeFileSync(join(folder, 'environment.d', 'x.conf'), content);
      const out = execFileSync(GENERATOR, {
        encoding: 'utf8',
        env: { XDG_CONFIG_HOME: folder, HOME: folder },
      });
      const read = variables(out.split('\n'));
      return Object.fromEntries(
        Object.entries(read).map(([name, value]) => [
          name,
          value
            .replace(/^"(.*)"$/, '$1')
            .replace(/\\(.)/g, (_, one: string) => escapes[one] ?? one),
        ]),
      );
    });
}

/** docker itself reads the file and sends the variables to its daemon, which this plays. */
function dockerReader(): Reader | undefined {
  // podman goes by this name, too, where it stands in for docker.
  const { stdout } = spawnSync('docker', ['--version'], { encoding: 'utf8' });
  if (!stdout?.startsWith('Docker version')) return undefined;
  return (content) =>
    inFolder(async (folder) => {
      const [socket, file] = [join(folder, 'docker.sock'), join(folder, 'x.env')];
      writeFileSync(file, content);
      let sent: readonly string[] | undefined;
      const server = createServer((request, response) => {
        let body = '';
        request.on('data', (part) => {
          body += part;
        });
        request.on('end', () => {
          response.setHeader('Api-Version', '1.47');
          response.setHeader('Content-Type', 'application/json');
          if (!request.url?.includes('/containers/create')) return response.end('OK');
          sent = (JSON.parse(body) as { Env: readonly string[] }).Env;
          response.statusCode = 201;
          return response.end('{"Id":"1","Warnings":[]}');
        });
      });
      await new Promise<void>((resolve) => server.listen(socket, resolve));
      const child = spawn('docker', ['create', '--env-file', file, 'image', 'true'], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env.PATH, HOME: folder, DOCKER_HOST: `unix://${socket}` },
      });
      let errors = '';
      child.stderr.on('data', (part) => {
        errors += part;
      });
      await new Promise((resolve) => child.on('close', resolve));
      await new Promise((resolve) => server.close(resolve));
      if (sent === undefined) throw new Error(`docker: ${errors}`);
      return variables(sent);
    });
}

const PRINTS_ENVIRONMENT = `#include <stdio.h>
extern char **environ;
int main(void) {
  for (char **at = environ; *at != NULL; at++) fwrite(*at, 1, __builtin_strlen(*at) + 1, stdout);
  return 0;
}
`;

/** crun where podman picks it; runc where crun doesn't take the machine's control groups. */
const PODMAN_WAYS = [[], ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs']];
const PODMAN_RUN = [
  ...['run', '--rm', '--network', 'none', '--cgroupns', 'host'],
  ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'],
];

/** A container of one static program. */
function runPodman(way: readonly string[], content: string) {
  return inFolder((folder) => {
    const [source, root, file] = ['x.c', 'root', 'x.env'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(root);
    writeFileSync(source, PRINTS_ENVIRONMENT);
    writeFileSync(file, content);
    const { status } = spawnSync('cc', ['-static', '-o', join(root, 'print'), source]);
    if (status !== 0) return { status, stdout: '', stderr: 'no static programs here' };
    return spawnSync(
      'podman',
      [...way, ...PODMAN_RUN, '--env-file', file, '--rootfs', root, '/print'],
      {
        encoding: 'utf8',
        timeout: 60_000,
      },
    );
  });
}

function podmanReader(): Reader | undefined {
  if (process.getuid?.() !== 0 || !isHere('podman', '--version')) return undefined;
  const way = PODMAN_WAYS.find((one) => runPodman(one, 'A=1\n').status === 0);
  if (way === undefined) return undefined;
  return async (content) => {
    const { status, stdout, stderr } = runPodman(way, content);
    if (status !== 0) throw new Error(`podman: ${stderr}`);
    return variables(stdout.split('\0'));
  };
}

function kubectl(input: string, args: readonly string[]): { readonly data?: Variables } {
  return JSON.parse(execFileSync('kubectl', [...args, '-o', 'json'], { encoding: 'utf8', input }));
}

const kubectlIsHere = isHere('kubectl', 'version', '--client');

export const shells: readonly (readonly [string, Reader | undefined])[] = [
  'sh',
  'bash',
  'dash',
].map((name) => [name, shellReader(name)]);
export const systemd: Reader | undefined = generatorReader();
export const docker: Reader | undefined = dockerReader();
export const podman: Reader | undefined = podmanReader();
export const kubectlEnvFile: Reader | undefined = kubectlIsHere
  ? async (content) =>
      inFolder((folder) => {
        const file = join(folder, 'x.env');
        writeFileSync(file, content);
        const create = ['create', 'configmap', 'x', '--dry-run=client'];
        return kubectl('', [...create, `--from-env-file=${file}`]).data ?? {};
      })
  : undefined;
export const kubectlYaml: Reader | undefined = kubectlIsHere
  ? async (content) => kubectl(content, ['annotate', '--local', '-f', '-', 'read=yes']).data ?? {}
  : undefined;
