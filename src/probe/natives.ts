/** Where the package's native parts may lie: scripts/build-native.mjs puts them there. */
import { join } from 'node:path';

/** Built from source goes first: who built it here wants it, whatever came with the package. */
export function nativeFolders(root: string): readonly string[] {
  return [join(root, 'native', 'build', 'Release'), join(root, 'prebuilds', 'linux-x64')];
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
