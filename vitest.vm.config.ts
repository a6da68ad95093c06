import { defineConfig } from 'vitest/config';

/** Tests that boot virtual machines; test/vm/lab.ts says where the lab is looked for. */
export default defineConfig({
  test: {
    include: ['test/vm/**/*.vm.test.ts'],
    setupFiles: ['test/fail-on-warning.ts'],
    // An emulator keeps a core busy: two guests at a time, whichever file asks for them.
    fileParallelism: false,
    maxConcurrency: 2,
    reporters: ['default', './test/skipped.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
