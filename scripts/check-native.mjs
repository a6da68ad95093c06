/**
 * Whether native/ is formatted as native/.clang-format says, and free of what native/.clang-tidy names: a part of
 * "npm run check". With --write it formats ("npm run format"). A program that isn't installed is named, and what it would
 * have looked at is skipped.
 *
 * clang-tidy takes a second or two for each file, so files that it had nothing to say about are remembered until they, a
 * header, or the rules change.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const native = join(root, 'native');
const remembered = join(root, 'node_modules', '.cache', 'cpugate', 'clang-tidy.json');
const execute = promisify(execFile);

function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'build' ? [] : sourcesIn(path);
    return /\.(?:cc|h)$/.test(entry.name) ? [path] : [];
  });
}

/** Of clang. Each release formats a little otherwise than the one before, and finds other faults. */
const RELEASE = 14;

/** The command that runs it and what it says of its version; undefined, with a line for people: it isn't there. */
function find(program) {
  let other = "isn't installed";
  for (const command of [`${program}-${RELEASE}`, program]) {
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    if (status !== 0) continue;
    const [, release] = /version (\d+)\./.exec(stdout) ?? [];
    if (Number(release) === RELEASE) return { command, version: stdout };
    other = `is here as release ${release} only`;
  }
  process.stderr.write(
    `skipped: ${program} ${RELEASE} ${other}, so native/ isn't checked with it\n`,
  );
  return undefined;
}

/** Where the addon's headers are; undefined: this Node came without its own. */
function addonFolders() {
  const node = join(process.execPath, '..', '..', 'include', 'node');
  if (!existsSync(join(node, 'node_api.h'))) return undefined;
  return [node, join(root, 'node_modules', 'node-addon-api')];
}

/** Errors, all of them. */
function checkFormat(command, files, isWriting) {
  const how = isWriting ? ['-i'] : ['--dry-run', '-Werror'];
  const { status, stderr } = spawnSync(command, [...how, ...files], {
    encoding: 'utf8',
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return '';
  return `${stderr}native/ isn't formatted: "npm run format" does it\n`;
}

/** As binding.gyp compiles it, as far as clang-tidy cares. */
function flagsFor(file, folders) {
  const flags = ['-std=c++20', '-DCPUGATE_VERSION=""', '-I', join(native, 'include')];
  if (!file.endsWith('addon.cc')) return flags;
  const own = ['-DNAPI_VERSION=8', '-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', '-fno-exceptions'];
  return [...flags, ...own, ...folders.flatMap((folder) => ['-isystem', folder])];
}

async function complaintsAbout(command, file, folders) {
  try {
    await execute(command, ['--quiet', file, '--', ...flagsFor(file, folders)], {
      cwd: root,
      maxBuffer: 64 * 1024 * 1024,
    });
    return '';
  } catch (error) {
    return error.stdout || `${error.message}\n`;
  }
}

function readRemembered() {
  try {
    return new Set(JSON.parse(readFileSync(remembered, 'utf8')));
  } catch {
    return new Set();
  }
}

/** Errors, all of them. */
async function tidy({ command, version }, files) {
  const folders = addonFolders();
  const sources = files.filter((file) => file.endsWith('.cc'));
  const around = createHash('sha256').update(version);
  for (const file of [join(native, '.clang-tidy'), ...files.filter((one) => one.endsWith('.h'))])
    around.update(file).update(readFileSync(file));
  const prefix = around.digest('hex');
  const keyOf = (file) =>
    createHash('sha256').update(prefix).update(file).update(readFileSync(file)).digest('hex');
  const before = readRemembered();
  const fine = new Set();
  const complaints = [];
  const open = [];
  for (const file of sources) {
    if (before.has(keyOf(file))) fine.add(keyOf(file));
    else if (file.endsWith('addon.cc') && folders === undefined)
      process.stderr.write("skipped: this Node came without headers, so addon.cc isn't checked\n");
    else open.push(file);
  }
  async function work() {
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      const key = keyOf(file);
      const said = await complaintsAbout(command, file, folders);
      if (said === '') fine.add(key);
      else complaints.push(said);
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  mkdirSync(join(remembered, '..'), { recursive: true });
  writeFileSync(remembered, JSON.stringify([...fine]));
  return [...new Set(complaints)].join('');
}

const files = sourcesIn(native)
  .sort()
  .map((file) => relative(root, file));
const isWriting = process.argv.includes('--write');
let errors = '';
const formatter = find('clang-format');
if (formatter !== undefined) errors += checkFormat(formatter.command, files, isWriting);
const checker = isWriting ? undefined : find('clang-tidy');
if (checker !== undefined)
  errors += await tidy(
    checker,
    files.map((file) => join(root, file)),
  );
process.stderr.write(errors);
process.exitCode = errors === '' ? 0 : 1;
