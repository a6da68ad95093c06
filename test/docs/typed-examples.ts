/** Examples in documents, typed as they stand there. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { program, root } from '../cli/run.js';

/** They are typed in one folder, one after the other. */
export const folder = mkdtempSync(join(tmpdir(), 'cpugate-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'cpugate'), '#!/bin/sh\nexec "$NODE" "$PROGRAM" "$@"\n', {
  mode: 0o755,
});

export interface Typed {
  readonly command: string;
  /** "…" stands for any text. */
  readonly output: string;
}

export function examplesOf(file: string): readonly Typed[] {
  const text = readFileSync(join(root, 'docs', file), 'utf8');
  const blocks = [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(
    (found) => found[1] ?? '',
  );
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf('\n') + 1;
        return { command: part.slice(0, end - 1), output: part.slice(end) };
      }),
  );
}

export function type(command: string): string {
  const { stdout } = spawnSync('sh', ['-c', `(${command}) 2>&1`], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: `${folder}:${process.env.PATH}`, NODE: process.execPath, PROGRAM: program },
  });
  return stdout;
}

export function pattern(output: string): RegExp {
  const parts = output.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[\\s\\S]*')}$`);
}
