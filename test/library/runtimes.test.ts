/**
 * The library in runtimes beside Node.js, which .ci/run fetches; CPUGATE_RUNTIMES names the folder
 * whose node_modules has them. Each says the same.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isHere } from '../export/tools.js';
import { makeConsumer } from './consumer.js';

const fetched = process.env.CPUGATE_RUNTIMES;

function find(command: string, inPackage: string): string | undefined {
  const file = join(fetched ?? '', 'node_modules', inPackage);
  if (fetched !== undefined && existsSync(file)) return file;
  return isHere(command, '--version') ? command : undefined;
}

const RUNTIMES: readonly [name: string, program: string | undefined, args: readonly string[]][] = [
  ['Node.js', process.execPath, []],
  // Without any permission but to load its modules.
  ['Deno', find('deno', '@deno/linux-x64-glibc/deno'), ['run', '--no-prompt', '--no-remote']],
  ['Bun', find('bun', '@oven/bun-linux-x64/bin/bun'), []],
];

const consumer = makeConsumer();
const script = join(consumer, 'use.mjs');
writeFileSync(
  script,
  `import * as cpugate from 'cpugate';
   const hosts = await Promise.all(cpugate.listModels().map(({ name }) => cpugate.readModel(name)));
   const baseline = cpugate.baselineOf(hosts);
   const { content: profile } = await cpugate.writeHost(hosts[0]);
   console.log(JSON.stringify([
     await cpugate.compareAll(hosts), baseline, profile,
     hosts.map((host) => cpugate.describeHost(host)),
     [...cpugate.compileMask(cpugate.baselineOf([await cpugate.readModel('haswell')])).bytes],
     cpugate.listTargets().map(({ name }) =>
       cpugate.exportBaseline(cpugate.baselineOf([hosts[0]]), name, name === 'glibc' ? { glibc: '2.36' } : {})),
   ]));`,
);

function outputOf(program: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, [...args, script], {
    cwd: consumer,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  const sha256 = createHash('sha256').update(stdout).digest('hex');
  return { status, stderr, bytes: stdout.length, sha256 };
}

describe.each(RUNTIMES)('%s', (_, program, args) => {
  it.skipIf(program === undefined)('says what Node.js says', () => {
    const said = outputOf(program ?? '', args);
    expect(said).toEqual({ ...outputOf(process.execPath, []), status: 0, stderr: '' });
    expect(said.bytes).toBeGreaterThan(10_000);
  });
});

it('is there for CommonJS, too', () => {
  const file = join(consumer, 'use.cjs');
  writeFileSync(file, `console.log(typeof require('cpugate').compareHosts)`);
  const { stdout } = spawnSync(process.execPath, ['--no-warnings', file], { encoding: 'utf8' });
  expect(stdout).toBe('function\n');
});
