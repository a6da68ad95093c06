/** Programs in TypeScript, with the package as it is published, under each way of finding its types. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../cli/run.js';
import { makeConsumer } from './consumer.js';

const consumer = makeConsumer();

const USE = `
import { baselineOf, compareHosts, compileMask, type Baseline, type CheckReport, type Finding, type Host,
  InputError, readHost, type Verdict } from 'cpugate';
import { probeHost } from 'cpugate/probe';

export async function use(bytes: Uint8Array): Promise<Verdict | undefined> {
  const hosts: readonly Host[] = [await readHost(bytes, { name: 'web-7' }), await probeHost()];
  const [from, to] = hosts;
  if (from === undefined || to === undefined) return undefined;
  const baseline: Baseline = baselineOf(hosts, { without: ['avx512f'] });
  const mask: Uint8Array = compileMask(baseline).bytes;
  const report: CheckReport = compareHosts(from, to, { mode: 'criu:fpu', mask: baseline });
  const worst: Finding | undefined = report.findings[0];
  if (worst === undefined && mask.length === 0) throw new InputError('usage', 'never');
  return report.verdict;
}
`;

/** An expected error that isn't there is an error. */
const MISUSE = `
import { baselineOf, compareHosts, compileMask, exportBaseline, type Baseline, type Host } from 'cpugate';
declare const host: Host;
declare const baseline: Baseline;
// @ts-expect-error: no such mode
compareHosts(host, host, { mode: 'strikt' });
// @ts-expect-error: no such target
exportBaseline(baseline, 'qem');
// @ts-expect-error: a host is no baseline
compileMask(host);
// @ts-expect-error: no such option
baselineOf([host], { with: [] });
// @ts-expect-error: nothing that is given can be changed
baseline.features.push('avx2');
// @ts-expect-error: what is behind a host isn't for programs
host.cpus;
// @ts-expect-error: the probe is an entry of its own
import('cpugate').then(({ probeHost }) => probeHost);
// @ts-expect-error: so are no files of the package
import('cpugate/dist/lib/index.js');
`;

function compile(file: string, text: string, options: Readonly<Record<string, unknown>>) {
  const folder = join(consumer, file);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'use.ts'), text);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2022',
    lib: ['es2022'],
    types: [],
    ...options,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['use.ts'] }),
  );
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  return stdout + stderr;
}

it.each([
  ['nodenext', { module: 'nodenext' }],
  ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
])('%s', (name, options) => {
  expect(compile(name, USE, options)).toBe('');
  expect(compile(`${name}-misuse`, MISUSE, options)).toBe('');
});
