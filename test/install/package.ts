/** The package as npm packs it, of what is built here. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../cli/run.js';

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

/** The licences of what is linked into the native parts come from Debian's packages. */
export const canPrebuild: boolean =
  process.platform === 'linux' &&
  process.arch === 'x64' &&
  ['g++', 'dpkg-query'].every((program) => {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });

/** What "npm pack" does before it packs. */
export function prebuild(): void {
  execFileSync(process.execPath, [join(root, 'scripts/prebuild.mjs')], { stdio: 'pipe' });
}

function npmPack(...args: readonly string[]): Packed {
  const options = ['pack', '--json', '--ignore-scripts', ...args];
  const [packed] = JSON.parse(
    execFileSync('npm', options, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  ) as Packed[];
  if (packed === undefined) throw new Error('npm packed nothing');
  return packed;
}

export function packedFiles(): Packed['files'] {
  return npmPack('--dry-run').files;
}

/** The tarball's path. */
export function pack(folder: string): string {
  return join(folder, npmPack('--pack-destination', folder).filename);
}

/**
 * What a profile says of the CPUs and of the kernel's doings with them; less what was in use just
 * then (XINUSE), which is each program's own.
 */
export function cpusOf(profile: string): unknown {
  const { cpus, system } = JSON.parse(profile);
  return {
    cpus: cpus.map(({ xinuse: _, ...cpu }: Record<string, unknown>) => cpu),
    cpuidFaulting: system.cpuidFaulting,
    xcomp: system.xcompSupported,
  };
}
