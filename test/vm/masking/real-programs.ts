/** Programs that people run: that they work, and what they say of the CPU. */
import { existsSync } from 'node:fs';
import { isHere, LINKER } from '../../export/tools.js';

export interface RealProgram {
  readonly name: string;
  /** "@" is the folder of the suite's programs. */
  readonly command: readonly string[];
  readonly masked: readonly RegExp[];
  /** Where it tells of the CPU. */
  readonly bare?: readonly RegExp[];
  readonly isHere: boolean;
}

const sh = (...lines: readonly string[]) => ['bash', '-euc', lines.join('\n')];

const PYTHON = `
import subprocess, threading, hashlib, os, signal
counts = []
threads = [threading.Thread(target=lambda: counts.append(hashlib.sha256(b'x' * 10000).hexdigest())) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
assert len(set(counts)) == 1 and len(counts) == 8
assert subprocess.run(['sh', '-c', 'exit 3']).returncode == 3
assert subprocess.run(['sh', '-c', 'kill -SEGV $$']).returncode == -signal.SIGSEGV
pid = os.fork()
if pid == 0: os._exit(4)
assert os.waitpid(pid, 0)[1] == 4 << 8
print('python is right')`;

const NODE = `
const { Worker } = require('node:worker_threads');
const { execFileSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const source = "require('node:worker_threads').parentPort.postMessage(6 * 7)";
new Worker(source, { eval: true }).on('message', (answer) => {
  createHash('sha256').update('x').digest();
  if (answer === 42 && execFileSync('echo', ['a']).toString() === 'a\\n') console.log('node is right');
});`;

/** OPENSSL_ia32cap: leaf 1 EDX and ECX, then leaf 7 EBX. */
export const REAL_PROGRAMS: readonly RealProgram[] = [
  {
    name: 'the dynamic linker',
    command: [LINKER, '--help'],
    masked: [/x86-64-v2 \(supported, searched\)/, /x86-64-v3\n/, /x86_64 \(AT_PLATFORM; supported/],
    bare: [/x86-64-v3 \(supported, searched\)/],
    isHere: existsSync(LINKER),
  },
  {
    name: 'bash',
    command: sh(
      'for i in 1 2 3; do x=$(echo $i | tr 1-3 4-6); done',
      'set -m; sleep 30 & kill -STOP %1; while ! jobs | grep -q Stopped; do :; done',
      // Of a stopped job, kill continues it as well: it may be gone by the next command.
      'kill %1; kill -CONT %1 2>/dev/null || :; wait %1 || echo bash is right $? $x',
    ),
    masked: [/^bash is right 143 6$/m],
    isHere: isHere('bash', '--version'),
  },
  {
    name: 'python3',
    command: ['/usr/bin/python3', '-c', PYTHON],
    masked: [/^python is right$/m],
    isHere: existsSync('/usr/bin/python3'),
  },
  {
    name: 'node',
    command: ['node', '-e', NODE],
    masked: [/^node is right$/m],
    isHere: true,
  },
  {
    name: 'openssl',
    command: sh(
      'openssl info -cpusettings',
      'openssl speed -elapsed -seconds 1 -bytes 1024 sha256 2>&1',
    ),
    masked: [/^OPENSSL_ia32cap=/m, /sha256 +\d/],
    isHere: isHere('openssl', 'version'),
  },
  {
    name: 'git',
    command: sh(
      'cd $(mktemp -d); export HOME=$PWD; git init -q .; git config user.email a@b.c',
      'git config user.name a; seq 5000 > a; git add a; git commit -qm a; git gc -q',
      'git fsck 2>&1; git log --oneline | wc -l | sed "s/^/git is right /"',
    ),
    masked: [/^git is right 1$/m],
    isHere: isHere('git', '--version'),
  },
  {
    name: 'a Go program',
    command: ['@/sees.go'],
    masked: [/^go is right$/m],
    bare: [/^go is right$/m],
    isHere: isHere('go', 'version'),
  },
  {
    name: 'a JVM',
    command: ['java', '-XX:+PrintFlagsFinal', '-cp', '@', 'Sees'],
    masked: [/ UseAVX +=? *= 1 /, /^java is right$/m],
    bare: [/ UseAVX +=? *= 2 /, /^java is right$/m],
    isHere: isHere('javac', '-version'),
  },
];
