import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { program, root } from './run.js';

describe('standard output', () => {
  it("that nobody reads leaves the verdict's exit status", async () => {
    const child = spawn(process.execPath, [program, 'check', 'haswell', 'skylake-sp'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let errors = '';
    child.stderr.on('data', (bytes) => {
      errors += bytes;
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect({ status, errors }).toEqual({ status: 1, errors: '' });
  });

  // Opening the stream takes 5 ms at each start, and a reader that goes away would end in a stack trace.
  it("is written without Node's streams", () => {
    const files = readdirSync(join(root, 'src', 'cli'), { recursive: true, encoding: 'utf8' });
    const opening = files.filter(
      (name) =>
        name.endsWith('.ts') &&
        /process\.std(out|err)|console\./.test(
          readFileSync(join(root, 'src', 'cli', name), 'utf8'),
        ),
    );
    expect(opening).toEqual(['output.ts']);
  });
});
