/**
 * How often "cpugate audit" is wrong, measured on this machine.
 *
 * False alarms: every program and library at the top of the usual folders against x86-64-v1. A distribution's files
 * run on any 64-bit CPU, so each that "needs" something is one, or was built for more; all are listed.
 *
 * Misses: programs compiled here for levels and CPUs, of functions whose instructions are known by how they are
 * written, with and without a property note. Each feature that a program must have and "needs" lacks is one.
 *
 * node scripts/audit-rates.mjs [--misses | FOLDER...]
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/cpugate.cjs', import.meta.url));
const FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/lib/x86_64-linux-gnu', '/usr/lib64'];

function isProgram(path) {
  const descriptor = openSync(path, 'r');
  const head = Buffer.alloc(20);
  readSync(descriptor, head, 0, 20, 0);
  closeSync(descriptor);
  return (
    head.readUInt32BE(0) === 0x7f454c46 &&
    head[4] === 2 &&
    head[18] === 62 &&
    (head[16] === 2 || head[16] === 3)
  );
}

function programsIn(folders) {
  const found = new Set();
  for (const folder of folders) {
    let names = [];
    try {
      names = readdirSync(folder);
    } catch {}
    for (const name of names)
      try {
        const path = realpathSync(join(folder, name));
        if (statSync(path).isFile() && isProgram(path)) found.add(path);
      } catch {}
  }
  return [...found];
}

function audit(files, mask) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [program, 'audit', ...files, '--mask', mask, '--json'],
    { encoding: 'utf8', maxBuffer: 1 << 30 },
  );
  if (status === 2) throw new Error(stderr);
  return JSON.parse(stdout).files;
}

const percent = (part, whole) => `${((100 * part) / whole).toFixed(2)} %`;
const namesOf = (list) => list.map(({ feature, functions }) => `${feature}:${functions}`).join(' ');

function falseAlarms(folders) {
  const paths = programsIn(folders);
  const before = process.hrtime.bigint();
  const files = audit(paths, 'x86-64-v1');
  const seconds = Number(process.hrtime.bigint() - before) / 1e9;
  const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0);
  const needs = files.filter((one) => one.needs.length > 0);
  const unclear = files.filter((one) => one.needs.length === 0 && one.unclear.length > 0);
  const chooses = files.filter((one) => one.chooses.length > 0);
  console.log(
    `${files.length} files, ${(bytes / 1e6).toFixed(0)} MB, ${seconds.toFixed(0)} s, against x86-64-v1`,
  );
  console.log(`needs: ${needs.length} (${percent(needs.length, files.length)})`);
  for (const one of needs) console.log(`  ${one.path}  ${namesOf(one.needs)}`);
  console.log(`unclear: ${unclear.length} (${percent(unclear.length, files.length)})`);
  for (const one of unclear) console.log(`  ${one.path}  ${namesOf(one.unclear)}`);
  console.log(`asks before: ${chooses.length} (${percent(chooses.length, files.length)})`);
}

/** Each function's instructions follow from what it does, at the level that has them. */
const C_SOURCE = `
#include <stdlib.h>
#define OWN __attribute__((noinline))
OWN int bits(unsigned long x) { return __builtin_popcountl(x); }
OWN unsigned long zeros(unsigned long x) { return __builtin_clzl(x | 1); }
OWN double mixed(double a, double b, double c) { return __builtin_fma(a, b, c); }
OWN void add(int *restrict a, const int *restrict b) { for (int i = 0; i < 1024; i++) a[i] += b[i] * 3; }
OWN unsigned long without(unsigned long a, unsigned long b) { return a & ~b; }
OWN unsigned long shifted(unsigned long a, int n) { return a << (n & 63); }
OWN double rounded(double a) { return __builtin_floor(a); }
int main(int count, char **words) {
  int *a = calloc(1024, 4), *b = calloc(1024, 4);
  add(a, b);
  return (int)(bits(count) + zeros(count) + mixed(count, 2, 3) + without(count, (unsigned long)words) + shifted(count, a[1]) + rounded(count / 3.0)) & 1;
}
`;
const V2 = ['popcnt', 'sse4_1'];
const V3 = ['popcnt', 'abm', 'fma', 'avx', 'avx2', 'bmi1', 'bmi2'];
// With vectors of 512 bits no instruction of AVX2 is left.
const V4 = [...V3.filter((feature) => feature !== 'avx2'), 'avx512f'];
const C_BUILDS = [
  ['x86-64', []],
  ['x86-64-v2', V2],
  ['x86-64-v3', V3],
  ['haswell', V3],
  ['x86-64-v4 -mprefer-vector-width=512', V4],
  ['skylake-avx512 -mprefer-vector-width=512', V4],
];
const GO_SOURCE = `package main

import ("fmt"; "math"; "math/bits")

func main() {
	x := uint64(len(fmt.Sprint(1)))
	fmt.Println(bits.OnesCount64(x), math.FMA(float64(x), 2, 3))
}
`;
const RUST_SOURCE = `
#[inline(never)] fn bits(x: u64) -> u32 { x.count_ones() }
#[inline(never)] fn mixed(a: f64) -> f64 { a.mul_add(2.0, 3.0) }
fn main() { let n = std::env::args().count() as u64; println!("{} {}", bits(n), mixed(n as f64)); }
`;

function builds(folder) {
  const file = (name) => join(folder, name);
  writeFileSync(file('a.c'), C_SOURCE);
  writeFileSync(file('a.go'), GO_SOURCE);
  writeFileSync(file('a.rs'), RUST_SOURCE);
  const list = [];
  for (const compiler of ['gcc', 'clang'])
    for (const [march, expected] of C_BUILDS)
      for (const [kind, flags] of [
        ['', []],
        [' with a note', ['-Wa,-mx86-used-note=yes', '-Wl,-z,x86-64-v2']],
        [' static', ['-static']],
        [' stripped', ['-s']],
      ])
        list.push([
          `${compiler} -O3 -march=${march}${kind}`,
          compiler,
          [
            '-O3',
            '-ftree-vectorize',
            ...`-march=${march}`.split(' '),
            ...flags,
            '-o',
            'OUT',
            file('a.c'),
            '-lm',
          ],
          kind === ' with a note' ? [...new Set([...V2, ...expected])] : expected,
          {},
        ]);
  for (const [level, expected] of [
    ['v1', []],
    ['v2', ['popcnt']],
    ['v3', ['popcnt', 'fma', 'bmi2']],
  ])
    list.push([
      `GOAMD64=${level} go build`,
      'go',
      ['build', '-o', 'OUT', file('a.go')],
      expected,
      { GOAMD64: level, GOCACHE: file('cache'), GOFLAGS: '-mod=mod', HOME: folder },
    ]);
  for (const [cpu, expected] of [
    ['x86-64', []],
    ['x86-64-v2', ['popcnt']],
    ['x86-64-v3', ['popcnt', 'fma', 'avx']],
  ])
    list.push([
      `rustc -O -C target-cpu=${cpu}`,
      'rustc',
      ['-O', '-C', `target-cpu=${cpu}`, '-o', 'OUT', file('a.rs')],
      expected,
      {},
    ]);
  return list;
}

function misses() {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-rates-'));
  const counts = { built: 0, expected: 0, needs: 0, unclear: 0, silent: 0, alarms: 0, verdicts: 0 };
  try {
    for (const [place, [what, compiler, args, expected, env]] of builds(folder).entries()) {
      const out = join(folder, `out-${place}`);
      const made = spawnSync(
        compiler,
        args.map((word) => (word === 'OUT' ? out : word)),
        { encoding: 'utf8', env: { ...process.env, ...env } },
      );
      if (made.status !== 0) {
        console.log(`  not built: ${what}`);
        continue;
      }
      counts.built++;
      const [file] = audit([out], 'x86-64-v1');
      const has = (list, feature) => list.some((one) => one.feature === feature);
      const missing = expected.filter((feature) => !has(file.needs, feature));
      const silent = missing.filter((feature) => !has(file.unclear, feature));
      counts.expected += expected.length;
      counts.needs += expected.length - missing.length;
      counts.unclear += missing.length - silent.length;
      counts.silent += silent.length;
      if (expected.length > 0 && file.needs.length === 0) counts.verdicts++;
      if (expected.length === 0 && file.needs.length > 0) counts.alarms++;
      console.log(
        `  ${what}: needs ${namesOf(file.needs) || 'nothing'}${missing.length > 0 ? `; not among them: ${missing.map((one) => (silent.includes(one) ? one : `${one} (unclear)`)).join(' ')}` : ''}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(
    `${counts.built} programs built; of ${counts.expected} features that they must have ${counts.needs} are needs, ${counts.unclear} unclear, ${counts.silent} missed`,
  );
  console.log(
    `programs for more than x86-64-v1 without any "needs": ${counts.verdicts}; for x86-64-v1 with one: ${counts.alarms}`,
  );
}

misses();
if (!process.argv.includes('--misses'))
  falseAlarms(process.argv.length > 2 ? process.argv.slice(2) : FOLDERS);
