/** Runs the built program as a user would. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const program = fileURLToPath(new URL('../../dist/cpugate.cjs', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export function cpugate(
  args: readonly string[],
  {
    input = '',
    env = {},
    cwd,
  }: { input?: string | Uint8Array; env?: Record<string, string>; cwd?: string } = {},
): Outcome {
  if (!existsSync(program)) throw new Error('dist/ is missing: npm run build');
  const { NO_COLOR: _no, FORCE_COLOR: _force, COLUMNS: _columns, ...rest } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    input,
    env: { ...rest, ...env },
    encoding: 'utf8',
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { status, out: stdout, err: stderr };
}

/** One message, no stack, status 2: what every bad input must give. */
export function isPlainFailure({ status, out, err }: Outcome): boolean {
  return (
    status === 2 &&
    out === '' &&
    err.startsWith('cpugate: ') &&
    !/\n\s+at |Error:/.test(err) &&
    !err.includes('bug in cpugate')
  );
}
