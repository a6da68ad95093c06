/** Another program takes Node's place and finds what cpugate's caller gave, not what Node made of it. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const addon = fileURLToPath(
  new URL('../../native/build/Release/cpugate_probe.node', import.meta.url),
);
const hasShell = process.platform === 'linux' && process.arch === 'x64';

describe.skipIf(!hasShell)('a program in the place of Node', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-replace-'));
    // Standard output is touched on purpose: cpugate does, and libuv makes a pipe non-blocking then.
    writeFileSync(
      join(folder, 'replace.cjs'),
      `const addon = require(${JSON.stringify(addon)});
       process.stdout.on('error', () => {});
       const [file, first, kept] = JSON.parse(process.argv[2]);
       process.exitCode = addon.replaceProcess(file, first, kept);`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A shell line that starts Node, which the program replaces. */
  function replaced(
    [file, first, kept]: readonly [string, readonly string[], number],
    { before = '', after = '', redirect = '' } = {},
  ) {
    const json = JSON.stringify([file, first, kept]).replaceAll("'", "'\\''");
    const line = `${before} exec '${process.execPath}' '${folder}/replace.cjs' '${json}' ${after} ${redirect}`;
    return spawnSync('bash', ['-c', line], { encoding: 'latin1', input: '' });
  }

  function shell(script: string, options?: Parameters<typeof replaced>[1]) {
    return replaced(['/bin/sh', ['sh', '-c', script], 0], options);
  }

  test('keeps the process id', () => {
    const { stdout } = shell('echo $$', { before: 'echo $$;' });
    const [before, after] = stdout.trim().split('\n');
    expect(after).toBe(before);
  });

  test('its exit status is the status', () => {
    expect(shell('exit 37').status).toBe(37);
  });

  test.each([
    ['SIGPIPE (13) and SIGXFSZ (25), which Node ignores, act as usual', /SigIgn:\s+0+$/m],
    ['no signal is blocked', /SigBlk:\s+0+$/m],
  ])('%s', (_, line) => {
    expect(replaced(['/bin/cat', ['cat', '/proc/self/status'], 0]).stdout).toMatch(line);
  });

  test('has the standard streams, blocking', () => {
    const { stdout } = shell('cat /proc/self/fdinfo/0 /proc/self/fdinfo/1 /proc/self/fdinfo/2');
    const flags = [...stdout.matchAll(/flags:\s*(\d+)/g)].map((one) => Number.parseInt(one[1]!, 8));
    expect(flags).toHaveLength(3);
    for (const one of flags) expect(one & 0o4000).toBe(0);
  });

  test("has files that were handed down, and none of Node's own descriptors", () => {
    const file = join(folder, 'handed-down');
    writeFileSync(file, 'text');
    const script = 'ls /proc/self/fd; cat <&3; cat <&7; cat /dev/fd/63';
    const redirect = `3<'${file}' 7<'${file}' 63<'${file}'`;
    const bare = spawnSync('bash', ['-c', `exec sh -c '${script}' ${redirect}`], { input: '' });
    const { stdout } = shell(script, { redirect });
    expect(stdout).toBe(bare.stdout.toString('latin1'));
    expect(stdout).toMatch(/texttexttext$/);
  });

  test('has a pipe that was handed down', () => {
    const { stdout } = shell('cat <&3', { redirect: '3< <(echo through)' });
    expect(stdout).toBe('through\n');
  });

  test("has its caller's limit of open files", () => {
    const { stdout } = spawnSync(
      'bash',
      [
        '-c',
        // The shell stays, as shells do: Node is its child.
        `ulimit -Sn 300; '${process.execPath}' '${folder}/replace.cjs' '["/bin/sh",["sh","-c","ulimit -Sn"],0]'; true`,
      ],
      { encoding: 'latin1' },
    );
    expect(stdout).toBe('300\n');
  });

  test("has its caller's environment, bytes that are no UTF-8 too", () => {
    const { stdout } = shell('printf %s "$CPUGATE_TEST"', {
      before: "export CPUGATE_TEST=$'\\xff\\xfe';",
    });
    expect(stdout).toBe('\xff\xfe');
  });

  test('has the last arguments as they were given: empty, dashes, bytes that are no UTF-8', () => {
    const { stdout } = replaced(['/usr/bin/printf', ['printf', '[%s]'], 4], {
      after: "'' --help -- $'a\\xffb'",
    });
    expect(stdout).toBe('[][--help][--][a\xffb]');
  });

  test('gives the error where it cannot be executed', () => {
    expect(replaced([join(folder, 'missing'), ['missing'], 0]).status).toBe(2); // ENOENT
    const plain = openSync(join(folder, 'plain'), 'w', 0o644);
    closeSync(plain);
    expect(replaced([join(folder, 'plain'), ['plain'], 0]).status).toBe(13); // EACCES
  });
});
