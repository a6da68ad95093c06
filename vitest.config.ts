import { defineConfig } from 'vitest/config';

/** Everything that needs no virtual machine. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/vm/**'],
    globalSetup: ['test/build.ts'],
    setupFiles: ['test/fail-on-warning.ts'],
    reporters: ['default', './test/skipped.ts'],
    testTimeout: 20_000,
  },
});
