/**
 * A fleet to try things with: profiles of all CPU models in turn, one a line, each host under a name of
 * its own. `node bench/fleet.mjs HOSTS > fleet.ndjson`.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cpugate = join(root, 'dist', 'cpugate.cjs');
const HOSTS = Number(process.argv[2] ?? 1000);
const BLOCK = 1 << 22;

const models = readdirSync(join(root, 'cpu-profiles')).map((file) => {
  const argv = [cpugate, 'convert', file.replace('.json', ''), '--to', 'profile'];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
});

function write(text) {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
}

let text = '';
for (let n = 0; n < HOSTS; n++) {
  const model = models[n % models.length];
  model.name = `host-${n}`;
  text += `${JSON.stringify(model)}\n`;
  if (text.length > BLOCK) {
    write(text);
    text = '';
  }
}
write(text);
