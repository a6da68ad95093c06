/**
 * CPUID's two bytes in the code of this machine's programs and libraries: what of them is proven to be CPUID, what
 * to be something else, and which files have some that nobody knows of (docs/masking.md).
 *
 *   node scripts/census.mjs [FOLDER...]
 */
import { execFileSync } from 'node:child_process';
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const USUAL = ['/usr/bin', '/usr/sbin', '/usr/lib/x86_64-linux-gnu'];
const AT_ONCE = 200;
const supervisor = fileURLToPath(
  new URL('../native/build/Release/cpugate-supervisor', import.meta.url),
);

/** A 64-bit ELF file of x86. */
function isOurs(path) {
  if (!lstatSync(path).isFile()) return false;
  const head = Buffer.alloc(20);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return head.readUInt32BE(0) === 0x7f454c46 && head[4] === 2 && head.readUInt16LE(18) === 62;
}

const folders = process.argv.length > 2 ? process.argv.slice(2) : USUAL;
const files = folders.flatMap((folder) =>
  readdirSync(folder)
    .map((name) => join(folder, name))
    .filter(isOurs),
);
const rows = [];
for (let at = 0; at < files.length; at += AT_ONCE) {
  const said = execFileSync(supervisor, ['sites', ...files.slice(at, at + AT_ONCE)], {
    encoding: 'utf8',
  });
  for (const line of said.trimEnd().split('\n')) {
    const [proven, unproven, others, ...name] = line.split(' ');
    rows.push({ proven: +proven, unproven: +unproven, others: +others, name: name.join(' ') });
  }
}
const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
const found = rows.filter(({ proven, unproven, others }) => proven + unproven + others > 0);
const open = rows.filter(({ unproven }) => unproven > 0).sort((a, b) => b.unproven - a.unproven);
console.log(`${rows.length} files, ${found.length} of them with CPUID's two bytes in their code:`);
console.log(`${sum('proven')} proven to be CPUID`);
console.log(`${sum('others')} proven to be something else`);
console.log(`${sum('unproven')} unproven, in ${open.length} files:`);
for (const { unproven, name } of open) console.log(`  ${unproven} ${name}`);
