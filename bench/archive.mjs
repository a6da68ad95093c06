/**
 * Measures a check of a dump in an archive against that of the same dump in its folder: with pages of
 * 8 GiB behind it, which a tar gives by its headers alone, and packed, where all has to be decoded.
 * `node bench/archive.mjs`. Exit status 1 where a promise isn't kept.
 */
import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar/header';

const root = fileURLToPath(new URL('..', import.meta.url));
const cpugate = join(root, 'dist', 'cpugate.cjs');
const dump = join(root, 'test', 'fixtures', 'images', 'haswell');
const folder = mkdtempSync(join(tmpdir(), 'cpugate-bench-archive-'));
const ROUNDS = 7;
const BEYOND_MS = 60;
const PACKED_MEGABYTES = 512;

/** Milliseconds: the best of some, which a busy machine hides least. */
function check(from, rounds = ROUNDS) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    const args = [cpugate, 'check', from, join(dump, 'cpugate-record.json')];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`a check of ${from}: ${status} ${stderr}`);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e6);
  }
  return best;
}

/** The dump, and pages of a size that nobody reads. */
function pack(name, pages) {
  const path = join(folder, name);
  const { status, stderr } = spawnSync('tar', ['-C', dump, '-cf', path, '.'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar: ${stderr}`);
  // Over the two blocks of the end, and what tar adds to fill its record.
  const list = spawnSync('tar', ['-tRf', path], { encoding: 'utf8' }).stdout;
  const blocks = Number(/block (\d+): \*\* Block of NULs \*\*/.exec(list)?.[1]);
  truncateSync(path, blocks * 512);
  const header = Buffer.alloc(512);
  new Header({ path: 'pages-9.img', mode: 0o600, size: pages, type: 'File' }).encode(header);
  writeFileSync(path, header, { flag: 'a' });
  return path;
}

try {
  cpSync(dump, join(folder, 'dump'), { recursive: true });
  const bare = check(join(folder, 'dump'));
  const pages = 8 * 1024 ** 3;
  const large = pack('large.tar', pages);
  truncateSync(large, statSync(large).size + pages + 1024);
  const archive = check(large);
  const kept = archive - bare <= BEYOND_MS;
  console.log(
    `${kept ? 'ok  ' : 'MISS'} a check of an archive of 8 GiB: ${archive.toFixed(0)} ms, of the folder ${bare.toFixed(0)} ms (at most ${BEYOND_MS} ms more)`,
  );

  const bytes = PACKED_MEGABYTES * 1024 * 1024;
  const packed = pack('packed.tar', bytes);
  const memory = Buffer.alloc(1024 * 1024);
  for (let part = 0; part < PACKED_MEGABYTES; part++) {
    randomFillSync(memory, 0, part % 3 === 0 ? memory.length : (memory.length / 4) | 0);
    memory.fill(0, part % 3 === 1 ? 0 : memory.length / 2);
    writeFileSync(packed, memory, { flag: 'a' });
  }
  writeFileSync(packed, Buffer.alloc(1024), { flag: 'a' });
  const gzip = join(folder, 'packed.tar.gz');
  writeFileSync(gzip, gzipSync(readFileSync(packed), { level: 1 }));
  const rows = [['gzip', gzip]];
  if (spawnSync('zstd', ['-q', packed]).status === 0) rows.push(['Zstandard', `${packed}.zst`]);
  for (const [what, path] of rows) {
    const time = check(path, 2);
    const speed = PACKED_MEGABYTES / ((time - bare) / 1000);
    console.log(
      `     ${what}: ${time.toFixed(0)} ms for ${PACKED_MEGABYTES} MiB of pages, ${speed.toFixed(0)} MiB/s`,
    );
  }
  process.exitCode = kept ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
