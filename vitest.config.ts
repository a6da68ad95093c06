import { defineConfig } from 'vitest/config';

/** Everything that needs no virtual machine. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/vm/**'],
    setupFiles: ['test/fail-on-warning.ts'],
    testTimeout: 20_000,
  },
});
