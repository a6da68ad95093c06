/**
 * How a supervisor is asked, what it refuses, and the signals that it gets: nothing of it needs a CPU whose
 * CPUID faults, or root. What is tried is in the programs.
 */
import { describe, expect, test } from 'vitest';
import { buildAndRun, compilerIsHere } from './sanitized.js';

const SHARED = [
  ...['control', 'control_client', 'outsider', 'process_handle', 'processes', 'runtime_folder'],
  ...['stat_file', 'task_status', 'complain', 'printable', 'memory', 'tracee'],
].map((name) => `supervisor/${name}.cc`);

const PROGRAMS = [
  ['requests', ['supervisor/control_test.cc']],
  [
    'refusals, pid files and signals',
    [
      'supervisor/session_test.cc',
      ...['pid_file', 'refusals', 'signals'].map((name) => `supervisor/${name}.cc`),
    ],
  ],
] as const;

describe.skipIf(!compilerIsHere)('the supervisor, asked', () => {
  test.concurrent.each(PROGRAMS)(
    '%s, sanitized',
    async (_, sources) => {
      expect(await buildAndRun([...sources, ...SHARED])).toMatch(/^\d+ passed, 0 failed$/m);
    },
    300_000,
  );
});
