/** CRIU as a program: a script stands in for it. */
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCriu } from '../../src/enforce/criu.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-criu-'));
  writeFileSync(join(folder, 'criu'), '#!/bin/sh\ncat /proc/self/fd/"$1" > "$OUT"\n');
  chmodSync(join(folder, 'criu'), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const withFake = () => ({ PATH: `${folder}:${process.env.PATH}`, OUT: join(folder, 'out') });

test.skipIf(process.platform !== 'linux')(
  'it gets the open files that its options name, and no others',
  async () => {
    writeFileSync(join(folder, 'in'), 'handed on');
    const descriptor = openSync(join(folder, 'in'), 'r');
    const number = `${descriptor}`;
    const named = startCriu([number, '--inherit-fd', `fd[${number}]:in`], withFake());
    expect(await named.ended).toBe(0);
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('handed on');
    expect(await startCriu([number], withFake()).ended).not.toBe(0);
    closeSync(descriptor);
  },
);
