import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import validateShow from '../../src/generated/show-report.js';
import { cpugate } from '../cli/run.js';

const shared =
  process.env.CPUGATE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const folders = ['instlatx64', 'instlatx64-more'].map((name) => join(shared, 'corpus', name));
const files = folders
  .filter((folder) => existsSync(folder))
  .flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.txt'))
      .map((name) => join(folder, name)),
  );

/** What `show` may call odd about a recorded CPU, and why each is a truth about it and no fault of ours. */
const EXPLAINED: readonly RegExp[] = [
  // Zen 2 offers PKRU without protection keys, Bulldozer offers LWP: the sentence says so.
  /^The CPU offers (pkru|lwp) state .* that Linux leaves off/,
  // The tool that made the dump cut the component's line.
  /^The size or offset of \w+ state is unknown \(leaf 0xD\.\d+\)\.$/,
  // The tool that made the dump asked for fewer leaves than the CPU has, or its place.
  /^Features that the source doesn't mention and that came with later designs than .+ count as absent\.$/,
  /^The places of its state components weren't read; they are (those of every known|assumed to be those of) .+\.$/,
  // A prerequisite that isn't there, named.
  /^\w+ counts as absent: the CPU has it, but .+\.$/,
  /^\w+ is there without \w+; CPUs usually have both or neither\.$/,
  /^Bits that are set and have no known name: (0x[0-9a-f]+\.\d E[A-D]X\[\d+\](, )?)+\.$/,
  /^Logical CPUs disagree in .+; only what all have counts\.$/,
  /^(CPUs? [\d,-]+: )?[A-Z].*leaf 0x[0-9a-f]+/i,
];

describe.skipIf(files.length === 0)('show of published dumps', () => {
  it('reads every one, as JSON of its schema, with nothing odd that it does not explain', () => {
    const { status, out, err } = cpugate(['show', '--json', ...files]);
    expect(err).toBe('');
    expect(status).toBe(0);
    const reports = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(reports).toHaveLength(files.length);
    for (const report of reports) {
      expect(validateShow(report), `${report.name}: ${JSON.stringify(validateShow.errors)}`).toBe(
        true,
      );
      for (const line of report.odd)
        expect(
          EXPLAINED.some((pattern) => pattern.test(line)),
          `${report.name}: ${line}`,
        ).toBe(true);
    }
  });
  it('reads every one as text', () => {
    const { status, out } = cpugate(['show', ...files]);
    expect(status).toBe(0);
    expect(out).not.toMatch(/undefined|NaN|\[object|null/);
  });
  it('finds every one compatible with itself, unless its dump was cut or its CPUs differ', () => {
    const odd = files
      .filter((_, place) => place % 9 === 0)
      .filter((file) => {
        const report = JSON.parse(cpugate(['check', file, file, '--json']).out);
        return (
          report.verdict !== 'compatible' &&
          !report.findings.some((one: { code: string }) =>
            /data-missing|cpus-differ/.test(one.code),
          )
        );
      });
    expect(odd).toEqual([]);
  }, 60_000);
});
