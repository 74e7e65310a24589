import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/database.ts'],
    setupFiles: ['test/support/leak-watch.ts'],
    // A machine that others use as well is slow, not wrong.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // Servers, databases and files: what waits for a disk leaves the cores to others.
    pool: 'forks',
    maxWorkers: 3,
    // The sources run as they do in the server: by Node itself, with one copy of every module.
    experimental: { viteModuleRunner: false },
    slowTestThreshold: 2_000,
  },
});
