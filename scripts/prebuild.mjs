/**
 * Makes prebuilds/ for the package when it is packed: the native parts as they were built here, once
 * it is sure that they run elsewhere, and the licences of what is linked into them. What is up to
 * date is left alone.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyNotPortable } from './portable.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const release = join(root, 'native', 'build', 'Release');
const prebuilt = join(root, 'prebuilds', 'linux-x64');

function run(program, args) {
  return execFileSync(program, args, { encoding: 'utf8' }).trim();
}

/** Never half a file, and no new one where nothing changed: others may be packing at the same time. */
function place(name, content, mode) {
  const file = join(prebuilt, name);
  try {
    if (readFileSync(file).equals(content)) return;
  } catch {}
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, content);
  chmodSync(draft, mode);
  renameSync(draft, file);
}

/** The Debian package that a library to link with comes from. */
function packageOf(library) {
  const file = realpathSync(run('g++', [`-print-file-name=${library}`]));
  const [name] = run('dpkg-query', ['-S', file]).split(': ');
  const format = '${binary:Package} ${Version}, source package ${source:Package} ${source:Version}';
  const folder = join('/usr/share/doc', name.replace(/:.*/, ''));
  return {
    library,
    title: run('dpkg-query', ['-W', '-f', format, name]),
    notice: readFileSync(join(folder, 'copyright'), 'utf8').trim(),
  };
}

const HEAD = `What is linked into the prebuilt native programs of this folder, and its licences.

cpugate-supervisor and cpugate-probe are linked statically with the GNU C Library, which is under the
GNU Lesser General Public License 2.1 or later, and with libstdc++ and libgcc, which are under the GNU
General Public License 3 or later with the GCC Runtime Library Exception. cpugate_probe.node contains what of
libgcc and of the compiler's start files an addon has, under the same exception.

The whole source of all three is in native/ of this package, under the Apache License 2.0. You may
change the GNU C Library and use the programs with yours: "npm rebuild cpugate" with
npm_config_build_from_source=cpugate in its environment compiles and links it again with the libraries
of your machine. The libraries that were linked here are those of the Debian packages below; their
sources are Debian's source packages of the versions named ("apt-get source PACKAGE=VERSION").`;

/** Debian's own texts: what is linked comes from its packages. */
function licences() {
  const rule = `\n\n${'='.repeat(78)}\n\n`;
  const packages = ['libc.a', 'libstdc++.a', 'libgcc.a'].map(packageOf);
  const titles = packages.map(({ library, title }) => `${library}: ${title}`).join('\n');
  const notices = new Set(packages.map(({ notice }) => notice));
  const lesser = readFileSync('/usr/share/common-licenses/LGPL-2.1', 'utf8').trim();
  return Buffer.from(`${[`${HEAD}\n\n${titles}`, ...notices, lesser].join(rule)}\n`);
}

run(process.execPath, [join(root, 'scripts', 'build-native.mjs')]);
const addon = readFileSync(join(release, 'cpugate_probe.node'));
const programs = Object.fromEntries(
  ['cpugate-supervisor', 'cpugate-probe'].map((name) => [name, readFileSync(join(release, name))]),
);
const reasons = whyNotPortable({ addon, programs });
if (reasons.length > 0) throw new Error(`not to be packed: ${reasons.join('; ')}`);
mkdirSync(prebuilt, { recursive: true });
place('cpugate_probe.node', addon, 0o755);
for (const [name, content] of Object.entries(programs)) place(name, content, 0o755);
place('LICENSES.txt', licences(), 0o644);
