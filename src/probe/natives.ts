/** Where the package's native parts may lie: scripts/build-native.mjs puts them there. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package-root.js';

/** Built from source goes first: who built it here wants it, whatever came with the package. */
export function nativeFolders(root: string): readonly string[] {
  return [join(root, 'native', 'build', 'Release'), join(root, 'prebuilds', 'linux-x64')];
}

/** A program of the package; `from`: one of its files; `mode`: what it is wanted for (access(2)). */
export function findNative(
  from: string,
  name: string,
  mode: number,
): { readonly file: string } | { readonly why: string } {
  const root = packageRoot(from);
  if (root === undefined)
    return { why: `${from} is not below a folder with cpugate's package.json` };
  const use = mode === constants.X_OK ? 'executed' : 'read';
  const tried: string[] = [];
  for (const folder of nativeFolders(root)) {
    const file = join(folder, name);
    try {
      accessSync(file, mode);
      return { file };
    } catch (error) {
      tried.push(`${file} can't be ${use} (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  return { why: tried.join('; ') };
}

/** For messages: what a build would have to fit. */
export function thisPlatform(): string {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } };
  const glibc = report?.header?.glibcVersionRuntime;
  const library = glibc === undefined ? 'a C library that is not glibc' : `glibc ${glibc}`;
  return `this is ${process.platform} on ${process.arch} with ${library}`;
}

export const BUILD_NATIVES =
  'Install python3, make and g++, and build it with "npm rebuild cpugate" ("npm run build" among the sources).';
