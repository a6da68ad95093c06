import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { CRIU_STAGES, scriptText } from '../../src/enforce/criu-script.js';

function said(script: string, stage: string): string {
  const environment = { ...process.env, CRTOOLS_SCRIPT_ACTION: stage };
  return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', env: environment });
}

test('the script survives the shell, whatever its words hold', () => {
  const words = ["it's", 'a $b', '`c`', '"', '\\'];
  expect(said(scriptText(['/usr/bin/printf', '%s\n', ...words]), 'pre-dump')).toBe(
    `${words.join('\n')}\n`,
  );
});

test.each([
  ...CRIU_STAGES.map((stage) => [stage, 'called\n']),
  // CRIU 3.17.1 and 4.2, criu/include/action-scripts.h.
  ...['network-lock', 'network-unlock', 'setup-namespaces', 'post-setup-namespaces'].map(
    (stage) => [stage, ''],
  ),
  ...['post-restore', 'orphan-pts-master', 'status-ready', 'query-ext-files'].map((stage) => [
    stage,
    '',
  ]),
])('at stage %s it says "%s"', (stage, expected) => {
  expect(said(scriptText(['/bin/echo', 'called']), stage)).toBe(expected);
});
