import { defineConfig } from 'vitest/config';

/** Everything that needs no virtual machine. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/vm/**'],
    globalSetup: ['test/build.ts'],
    setupFiles: ['test/fail-on-warning.ts'],
    reporters: ['default', './test/skipped.ts'],
    // For machines that do something else, too; what tests measure is the CPU's time.
    testTimeout: 60_000,
  },
});
