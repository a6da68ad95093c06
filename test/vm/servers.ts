/** Servers that are moved: how each is started, and asked for its next number. Each counts in its memory. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isHere } from '../export/tools.js';
import { projectRoot } from './lab.js';

const programs = join(projectRoot, 'test/vm/programs');

interface Server {
  readonly name: string;
  readonly isHere: () => boolean;
  /** Only moved with CPUGATE_SERVERS=all. */
  readonly isMore?: true;
  /** Puts into the server's folder what it needs. */
  readonly build?: (folder: string) => void;
  /** Lines of a shell that becomes the server; $D is the server's folder. */
  readonly start: readonly string[];
  readonly ask: string;
}

const ofPort = (port: number) => `curl -sf http://127.0.0.1:${port}/`;

const ALL: readonly Server[] = [
  {
    name: 'redis',
    isHere: () => isHere('redis-server', '--version'),
    start: ['exec redis-server --port 6401 --save "" --bind 127.0.0.1'],
    ask: 'redis-cli -p 6401 incr number',
  },
  {
    name: 'nginx',
    isMore: true,
    isHere: () => isHere('nginx', '-v'),
    build: (folder) =>
      writeFileSync(
        join(folder, 'nginx.conf'),
        'worker_processes 1; user root; pid nginx.pid; error_log error.log; events {}\n' +
          'http { access_log off; client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t;\n' +
          ' uwsgi_temp_path t; scgi_temp_path t; server { listen 127.0.0.1:6402; location / {\n' +
          ' return 200 $connection; } } }\n',
      ),
    start: ['exec nginx -p . -c $D/nginx.conf -g "daemon off;"'],
    ask: ofPort(6402),
  },
  {
    name: 'node',
    isMore: true,
    isHere: () => true,
    start: [
      `exec node -e 'let n = 0; require("node:http").createServer((_, out) => out.end(String(++n))).listen(6403, "127.0.0.1")'`,
    ],
    ask: ofPort(6403),
  },
  {
    name: 'python',
    isMore: true,
    isHere: () => existsSync('/usr/bin/python3'),
    build: (folder) => copyFileSync(join(programs, 'counts.py'), join(folder, 'counts.py')),
    start: ['exec /usr/bin/python3 $D/counts.py 6404'],
    ask: ofPort(6404),
  },
  {
    name: 'java',
    isHere: () => isHere('javac', '--version') && existsSync('/usr/lib/jvm/java-17-openjdk-amd64'),
    build: (folder) => {
      const source = join(programs, 'java/Counts.java');
      execFileSync('javac', ['--release', '17', '-d', folder, source], { stdio: 'pipe' });
    },
    start: [
      'exec /usr/lib/jvm/java-17-openjdk-amd64/bin/java -XX:-UsePerfData -Xmx64m -cp $D Counts 6405',
    ],
    ask: ofPort(6405),
  },
  {
    name: 'go',
    isMore: true,
    isHere: () => isHere('go', 'version'),
    build: (folder) =>
      execFileSync('go', ['build', '-o', join(folder, 'counts'), 'counts.go'], {
        cwd: join(programs, 'go-counts'),
        env: { ...process.env, CGO_ENABLED: '0', GO111MODULE: 'off' },
        stdio: 'pipe',
      }),
    start: ['exec $D/counts 6406'],
    ask: ofPort(6406),
  },
];

export const SERVERS = ALL.filter(
  ({ isMore }) => isMore === undefined || process.env.CPUGATE_SERVERS === 'all',
);

/** SHARE/servers/NAME of those that are here; their names. */
export function prepareServers(share: string): string[] {
  return SERVERS.filter((one) => one.isHere()).map(({ name, build, start, ask }) => {
    const folder = join(share, 'servers', name);
    mkdirSync(folder, { recursive: true });
    build?.(folder);
    writeFileSync(join(folder, 'start'), [`D=${folder}`, ...start, ''].join('\n'));
    writeFileSync(join(folder, 'ask'), `${ask}\n`);
    return name;
  });
}
