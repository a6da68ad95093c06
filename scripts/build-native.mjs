/**
 * Builds native/ with node-gyp, in silence unless it fails: a part of "npm run build". With
 * --install, which npm runs when the package is installed, only where what comes prebuilt with the
 * package doesn't fit, or npm_config_build_from_source asks for it. In a checkout nothing comes
 * prebuilt.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const native = join(root, 'native');
const prebuilt = join(root, 'prebuilds', 'linux-x64');
const release = join(native, 'build', 'Release');
const addon = join(release, 'cpugate_probe.node');
/** Programs of their own, which any Linux on x86-64 runs. */
const PROGRAMS = ['cpugate-supervisor', 'cpugate-probe'];
/** One a target of binding.gyp. */
const products = [addon, ...PROGRAMS.map((name) => join(release, name))];

/** What GNU ld, gold and lld say; distributions pack these libraries apart, or leave them out. */
const LACKS_STATIC_LIBRARY =
  /(cannot find|unable to find library) -l(c|m|stdc\+\+|gcc_eh)(?![\w+])/;

function onPath(program) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {}
  }
  return undefined;
}

/** What node-gyp can't do without, and which of it isn't there. */
function missingTools() {
  const tools = [
    {
      name: 'python3',
      here: process.env.npm_config_python ?? onPath('python3') ?? onPath('python'),
    },
    { name: 'make', here: process.env.MAKE ?? onPath('make') },
    { name: 'g++', here: process.env.CXX ?? onPath('g++') ?? onPath('c++') },
  ];
  return tools.filter((tool) => !tool.here).map((tool) => tool.name);
}

/** npm install --build-from-source, for all packages or for the named ones. */
function asksForSource() {
  const wanted = process.env.npm_config_build_from_source ?? '';
  return wanted === 'true' || wanted.split(',').includes('cpugate');
}

/** Why what came with the package isn't used; undefined: it fits. */
function whyNotPrebuilt() {
  if (existsSync(join(root, 'src'))) return 'this is a checkout';
  if (asksForSource()) return 'npm_config_build_from_source asks for a build';
  try {
    createRequire(import.meta.url)(join(prebuilt, 'cpugate_probe.node'));
    for (const name of PROGRAMS) accessSync(join(prebuilt, name), constants.X_OK);
    return undefined;
  } catch (error) {
    return `${prebuilt} doesn't fit: ${error.message.split('\n', 1)[0]}`;
  }
}

/** Headers that came with this Node, so that node-gyp downloads none. */
function headersHere() {
  const prefix = join(dirname(process.execPath), '..');
  const named = process.env.npm_config_nodedir;
  return !named && existsSync(join(prefix, 'include/node/node_api.h')) ? ['--nodedir', prefix] : [];
}

/** The command that runs node-gyp: what npm names, the one on PATH, or npm's own copy. */
function nodeGyp() {
  const inNpm = join('node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const beside = dirname(process.execPath);
  const npmCli = process.env.npm_execpath;
  const scripts = [
    process.env.npm_config_node_gyp,
    npmCli && join(dirname(npmCli), '..', inNpm),
    join(beside, '..', 'lib', 'node_modules', 'npm', inNpm),
    join(beside, '..', 'share', 'nodejs', 'npm', inNpm),
  ];
  const [named, ...copies] = scripts.map((file) => (file && existsSync(file) ? file : undefined));
  if (named) return [process.execPath, named];
  const program = onPath('node-gyp');
  if (program) return [program];
  const copy = copies.find(Boolean);
  return copy && [process.execPath, copy];
}

function newestSource(folder) {
  return Math.max(
    ...readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.name !== 'build')
      .map((entry) => {
        const path = join(folder, entry.name);
        return entry.isDirectory() ? newestSource(path) : statSync(path).mtimeMs;
      }),
  );
}

/** All products are younger than the sources, and made for this C library and architecture. */
function isUpToDate() {
  try {
    const oldest = Math.min(...products.map((file) => statSync(file).mtimeMs));
    if (oldest < newestSource(native)) return false;
    createRequire(import.meta.url)(addon);
    return true;
  } catch {
    return false;
  }
}

let reason;

function fail(line) {
  const because = reason === undefined ? '' : ` (It is built from source: ${reason}.)`;
  process.stderr.write(`cpugate: ${line}${because}\n`);
  process.exit(1);
}

function build() {
  const missing = missingTools();
  if (missing.length > 0)
    fail(
      `its native part can't be built without ${missing.join(', ')}; install them with ` +
        '"apt-get install python3 make g++" (Debian), ' +
        '"dnf install python3 make gcc-c++ glibc-static libstdc++-static" (Fedora) ' +
        'or "apk add python3 make g++ linux-headers" (Alpine)',
    );
  const gyp = nodeGyp();
  if (gyp === undefined)
    fail('its native part is built with node-gyp, which comes with npm, but none was found');
  const [program, ...first] = gyp;
  const result = spawnSync(
    program,
    [...first, 'rebuild', '-C', native, '-j', 'max', ...headersHere()],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
      // Messages in one language, for the expression above.
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    },
  );
  if (result.status === 0) return;
  if (LACKS_STATIC_LIBRARY.test(result.stderr ?? ''))
    fail(
      "its programs can't be linked without the static C and C++ libraries; install them with " +
        '"apt-get install libc6-dev g++" (Debian), "dnf install glibc-static libstdc++-static" ' +
        '(Fedora) or "apk add musl-dev g++" (Alpine)',
    );
  process.stderr.write((result.stdout ?? '') + (result.stderr ?? ''));
  fail(`its native part wasn't built: ${result.error?.message ?? 'see the lines above'}`);
}

if (process.platform !== 'linux' || process.arch !== 'x64')
  process.stdout.write(
    `cpugate: no native part for ${process.platform} on ${process.arch}; ` +
      'everything but probing and enforcing works without it\n',
  );
else {
  if (process.argv.includes('--install')) {
    reason = whyNotPrebuilt();
    if (reason === undefined) process.exit();
  }
  if (!isUpToDate()) build();
}
