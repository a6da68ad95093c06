/**
 * Runs CRIU's own test suite (zdtm) by CRIU alone and by "cpugate dump" and "cpugate restore" in its place, and says
 * which tests only CRIU alone passes (docs/restoring.md).
 *
 *   npm run zdtm -- --criu DIR [--mask BASELINE] [--as-root] [--only REGEX] [--every N] [--seconds N]
 *
 * DIR is a source tree of CRIU, built: "make criu lib", "make -C test/zdtm/lib", "make -k -C test/zdtm/static". Needs
 * root and Python with protobuf. --mask has cpugate's tests run under it from their start, and asks after each restore
 * whether it is on: on a host with CPUID faulting. --every takes each Nth test alone. --as-root is for machines that
 * forbid CRIU the limits of other users' processes (containers without CAP_SYS_RESOURCE). Without DIR everything is
 * skipped. Status 1: a test passes by CRIU alone only.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = join(root, 'dist', 'cpugate.cjs');

const { values } = parseArgs({
  options: {
    criu: { type: 'string' },
    mask: { type: 'string' },
    'as-root': { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    every: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '120' },
  },
});

const supervisor = [
  join(root, 'native', 'build', 'Release', 'cpugate-supervisor'),
  join(root, 'prebuilds', 'linux-x64', 'cpugate-supervisor'),
].find((file) => existsSync(file));

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;
const cpugate = [process.execPath, program].map(quoted).join(' ');

/** The last restore's tasks are under their mask, or they are killed, and the test fails. */
const IS_MASKED = `
root=$(tail -n 1 /run/cpugate/restores.jsonl | sed 's/.*"root"://; s/[^0-9].*//')
${quoted(supervisor ?? '')} control --pid "$root" status | grep -q "^process $root masked$" && exit
echo "Error: cpugate: the mask is off after the restore"
kill -9 "$root"
exit 1
`;

/** In CRIU's place: its dumps and restores are cpugate's, whatever else it is asked stays its own. */
function criuScript(criu) {
  const mask = values.mask === undefined ? '' : `--mask ${quoted(resolve(values.mask))}`;
  return `#!/bin/bash
case $1 in dump|restore) action=$1; shift ;; *) exec ${quoted(criu)} "$@" ;; esac
rest=() images=
while [ $# -gt 0 ]; do
  case $1 in
    --images-dir|-D) images=$2; shift ;;
    --restore-detached|--restore-sibling) ;;
    *) rest+=("$1") ;;
  esac
  shift
done
PATH=${quoted(join(criu, '..'))}:$PATH
# CRIU's logs lie beside the images, where the suite reads them.
[ $action = restore ] || exec ${cpugate} dump --images "$images" ${mask} -- "\${rest[@]}"
${cpugate} restore --images "$images" --background -- "\${rest[@]}" --work-dir "$images" || exit
${mask === '' ? '' : IS_MASKED}`;
}

/** In a test's place: it is started under the mask, and this ends when it can be dumped, as it would itself. */
function startScript(maskFile) {
  return `#!/bin/bash
for word; do case $word in --pidfile=*) file=\${word#--pidfile=} ;; esac; done
${quoted(supervisor ?? '')} run --mask ${quoted(maskFile)} -- "$0.bare" "$@" </dev/null >/dev/null 2>&1 &
until [ -s "$file" ]; do
  kill -0 $! 2>/dev/null || { wait $!; exit $?; }
  sleep 0.05
done
`;
}

/** Runs what `work` does with a test that is started under the mask. */
function underMask(file, maskFile, work) {
  if (maskFile === undefined) return work();
  renameSync(file, `${file}.bare`);
  try {
    writeFileSync(file, startScript(maskFile));
    chmodSync(file, 0o755);
    return work();
  } finally {
    renameSync(`${file}.bare`, file);
  }
}

/** The compiled mask; undefined: none is asked for. */
function compileMask(folder) {
  if (values.mask === undefined) return undefined;
  accessSync(supervisor ?? '');
  const file = join(folder, 'zdtm.mask');
  const command = [program, 'export', values.mask, '--for', 'supervisor', '-o', file];
  const { status } = spawnSync(process.execPath, command, {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('no mask');
  return file;
}

/** Tests that can run beside the host's own processes, and are built. */
function testsIn(folder) {
  const describes = (name) => {
    const file = join(folder, `${name}.desc`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  return readdirSync(folder)
    .filter(
      (name) => !name.includes('.') && name !== 'Makefile' && statSync(join(folder, name)).isFile(),
    )
    .filter((name) => new RegExp(values.only).test(name))
    .filter((name) => {
      const [, flavours = 'h'] = /'flavor'\s*:\s*'([^']*)'/.exec(describes(name)) ?? [];
      return flavours.split(' ').includes('h') && !describes(name).includes('noauto');
    })
    .sort()
    .filter((_, place) => place % Number(values.every) === 0);
}

/** "pass", "fail" or "skip", and what was printed. */
function runTest(test, name, criuProgram, path) {
  const given = criuProgram === undefined ? [] : ['--criu-bin', criuProgram];
  const { status, stdout } = spawnSync(
    'python3',
    ['zdtm.py', 'run', '-f', 'h', '-t', `zdtm/static/${name}`, '--ignore-taint', ...given],
    {
      cwd: test,
      encoding: 'utf8',
      timeout: Number(values.seconds) * 1000,
      killSignal: 'SIGKILL',
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const output = stdout ?? '';
  if (output.includes('Skipping ')) return { result: 'skip', output };
  return { result: status === 0 ? 'pass' : 'fail', output };
}

/** The runner gives up root's rights in most tests; it is put back as it was. */
function asRoot(test, work) {
  if (!values['as-root']) return work();
  const file = join(test, 'zdtm.py');
  copyFileSync(file, `${file}.before`);
  try {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace("if not test_flag(self.__desc, 'suid'):", 'if False:'));
    return work();
  } finally {
    renameSync(`${file}.before`, file);
  }
}

function compare(test, criu, folder) {
  const stand = join(folder, 'criu');
  writeFileSync(stand, criuScript(criu), { mode: 0o755 });
  const maskFile = compileMask(folder);
  const system = '/usr/bin:/bin:/usr/sbin:/sbin';
  const counts = { both: 0, neither: 0, skipped: 0, 'only by CRIU alone': 0, 'only by cpugate': 0 };
  for (const name of testsIn(join(test, 'zdtm', 'static'))) {
    const alone = runTest(test, name, criu, system);
    if (alone.result === 'skip') {
      counts.skipped++;
      continue;
    }
    const file = join(test, 'zdtm', 'static', name);
    const ours = underMask(file, maskFile, () => runTest(test, name, stand, `${folder}:${system}`));
    const how =
      alone.result === ours.result
        ? alone.result === 'pass'
          ? 'both'
          : 'neither'
        : alone.result === 'pass'
          ? 'only by CRIU alone'
          : 'only by cpugate';
    counts[how]++;
    if (how === 'only by CRIU alone')
      console.log(
        `${name}: ${how}\n${ours.output
          .split('\n')
          .filter((line) => /Error|cpugate|FAIL/.test(line))
          .slice(0, 12)
          .map((line) => `    ${line.slice(0, 200)}`)
          .join('\n')}`,
      );
  }
  for (const [how, count] of Object.entries(counts)) console.log(`${how}: ${count}`);
  return counts['only by CRIU alone'];
}

function main() {
  if (values.criu === undefined) return console.log('skipped: no --criu DIR');
  const criu = resolve(values.criu, 'criu', 'criu');
  const test = resolve(values.criu, 'test');
  if (!existsSync(criu)) return console.log(`skipped: ${criu} is not built`);
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-zdtm-'));
  try {
    if (asRoot(test, () => compare(test, criu, folder)) > 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main();
