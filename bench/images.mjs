/**
 * Measures a check of large images against a bare start of Node in the same run: one process of 2,000
 * threads, each with a stack of its own, and 4 GB of pages, which are a sparse file; once as one dump, once as
 * ten, of which the later ones hold a tenth of the pages and leave the others to the one before.
 * `node bench/images.mjs [THREADS [GIGABYTES]]`. Exit status 1 where a promise isn't kept.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cpugate = fileURLToPath(new URL('../dist/cpugate.cjs', import.meta.url));
const THREADS = Number(process.argv[2] ?? 2000);
const GIGABYTES = Number(process.argv[3] ?? 4);
const RUNS = 5;
const PID = 100;
const PAGE = 4096;
const PRESENT = 4;
const IN_PARENT = 1;
/** A private mapping without a file. */
const ANONYMOUS = 1 | (1 << 9);
const STACKS = 0x7f0000000000;
const STACK_BYTES = Math.floor((GIGABYTES * 2 ** 30) / THREADS / PAGE) * PAGE;
/** What a thread has on its stack; the rest of it has been used before. */
const USED_BYTES = 4 * PAGE;
const MAGICS = {
  inventory: 0x58313116,
  pstree: 0x50273030,
  core: 0x55053847,
  mm: 0x57492820,
  pagemap: 0x56084025,
  files: 0x56303138,
};
const COMMON = 0x54564319;

function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

/** A number, or a message within, by its field. */
function message(fields) {
  return Buffer.concat(
    fields.map(([field, value]) =>
      Buffer.isBuffer(value)
        ? Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(value.length)]), value])
        : Buffer.from([...varint(field * 8), ...varint(value)]),
    ),
  );
}

function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function imageFile(kind, records) {
  const head = kind === 'inventory' ? [] : [u32(COMMON)];
  const framed = records.flatMap((record) => [u32(record.length), record]);
  return Buffer.concat([...head, u32(MAGICS[kind]), ...framed]);
}

const stackOf = (place) => STACKS + place * 2 * STACK_BYTES;
const tids = Array.from({ length: THREADS }, (_, place) => PID + place);

function core(tid) {
  const registers = message([
    [17, 0x401000],
    [20, stackOf(tid - PID) + STACK_BYTES - USED_BYTES],
  ]);
  const ymm = Array.from({ length: 64 }, () => [2, 0]);
  const floating = message([[13, message([[1, 7], ...ymm])]]);
  const info = message([
    [2, registers],
    [3, floating],
  ]);
  const task = tid === PID ? [[3, message([[1, 1]])]] : [];
  return imageFile('core', [message([[1, 1], [2, info], ...task])]);
}

/** `isOwn`: whether the pages of a thread's stack are in this dump, and not in the one before. */
function writeDump(folder, isOwn) {
  mkdirSync(folder);
  const write = (name, bytes) => writeFileSync(join(folder, `${name}.img`), bytes);
  write('inventory', imageFile('inventory', [message([[1, 2]])]));
  const entry = message([[1, PID], [2, 0], [3, PID], [4, PID], ...tids.map((tid) => [5, tid])]);
  write('pstree', imageFile('pstree', [entry]));
  for (const tid of tids) write(`core-${tid}`, core(tid));
  const mappings = tids.map((_, place) => [
    14,
    message([
      [1, stackOf(place)],
      [2, stackOf(place) + STACK_BYTES],
      [5, 3],
      [7, ANONYMOUS],
    ]),
  ]);
  write(`mm-${PID}`, imageFile('mm', [message(mappings)]));
  const runs = tids.map((_, place) =>
    message([
      [1, stackOf(place)],
      [2, STACK_BYTES / PAGE],
      [4, isOwn(place) ? PRESENT : IN_PARENT],
    ]),
  );
  write(`pagemap-${PID}`, imageFile('pagemap', [message([[1, 1]]), ...runs]));
  write('pages-1', '');
  truncateSync(
    join(folder, 'pages-1.img'),
    tids.filter((_, place) => isOwn(place)).length * STACK_BYTES,
  );
  write('files', imageFile('files', []));
  return folder;
}

/** Throws where the images aren't read whole: then nothing was measured. */
function checkRead(images) {
  const { stdout } = spawnSync(process.execPath, [cpugate, 'check', images, 'haswell', '--json'], {
    encoding: 'utf8',
  });
  const { images: read, findings } = JSON.parse(stdout);
  const isWhole = findings.every(({ code }) => code !== 'images-incomplete');
  if (read.threads !== THREADS || !isWhole) throw new Error(`${images} isn't read: ${stdout}`);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Milliseconds, and the peak of memory in MB. */
function measure(argv) {
  const script =
    'process.on("exit",()=>process.stderr.write(`\\nPEAK ${process.resourceUsage().maxRSS}`))';
  const preload = `data:text/javascript,${encodeURIComponent(script)}`;
  const runs = Array.from({ length: RUNS }, () => {
    const start = process.hrtime.bigint();
    const { status, stderr } = spawnSync(process.execPath, ['--import', preload, ...argv], {
      encoding: 'utf8',
    });
    const peak = /PEAK (\d+)/.exec(stderr);
    if (status === 2 || peak === null) throw new Error(`${argv.join(' ')}: ${stderr}`);
    return { ms: Number(process.hrtime.bigint() - start) / 1e6, mb: Number(peak[1]) / 1024 };
  });
  return { ms: median(runs.map(({ ms }) => ms)), mb: median(runs.map(({ mb }) => mb)) };
}

const folder = mkdtempSync(join(tmpdir(), 'cpugate-bench-'));
let kept = true;
try {
  const whole = writeDump(join(folder, 'whole'), () => true);
  const DUMPS = 10;
  for (let dump = 0; dump < DUMPS; dump++) {
    const isOwn = (place) => dump === 0 || place % DUMPS === dump;
    const last = writeDump(join(folder, `${dump}`), isOwn);
    if (dump > 0) symlinkSync(`../${dump - 1}`, join(last, 'parent'));
  }
  const idle = measure(['-e', '0']);
  console.log(`bare start of Node: ${idle.ms.toFixed(0)} ms, ${idle.mb.toFixed(0)} MB`);
  for (const [what, images, mostMs, mostMb] of [
    ['one dump', whole, 1500, 150],
    ['ten dumps', join(folder, `${DUMPS - 1}`), 2500, 200],
  ]) {
    checkRead(images);
    const { ms, mb } = measure([cpugate, 'check', images, 'haswell']);
    const good = ms - idle.ms <= mostMs && mb <= mostMb;
    kept &&= good;
    console.log(
      `${good ? 'ok  ' : 'MISS'} check of ${THREADS} threads and ${GIGABYTES} GB in ${what}: ${(ms - idle.ms).toFixed(0)} ms more (at most ${mostMs}), ${mb.toFixed(0)} MB (at most ${mostMb})`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = kept ? 0 : 1;
