/** The C++ parts of the probe under the sanitizers; what is tried is in the programs. */
import { describe, expect, test } from 'vitest';
import { buildAndRun, compilerIsHere, PROBE_HERE } from './sanitized.js';

const PROGRAMS = [
  ['CPUs that do not exist', ['probe/enumerate_test.cc', 'probe/enumerate.cc']],
  ['this machine', PROBE_HERE],
] as const;

describe.skipIf(!compilerIsHere)('native/probe, sanitized', () => {
  test.concurrent.each(PROGRAMS)(
    '%s',
    async (_, sources) => {
      const output = await buildAndRun(sources);
      expect(output).toMatch(/^\d+ passed, 0 failed$/m);
    },
    120_000,
  );
});
