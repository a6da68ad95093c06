/** A program's own folder with cpugate as it is published: without sources, and without a native part. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { root } from '../cli/run.js';

const PUBLISHED = ['dist/lib', 'schemas', 'package.json'];

/** Gone when the tests of the file are done. */
export function makeConsumer(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-consumer-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const installed = join(folder, 'node_modules', 'cpugate');
  for (const part of PUBLISHED) {
    mkdirSync(join(installed, part, '..'), { recursive: true });
    cpSync(join(root, part), join(installed, part), { recursive: true });
  }
  const manifest = { type: 'module', dependencies: { cpugate: '*' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  return folder;
}
