import { defineConfig } from 'vitest/config';
import { compileCache } from './test/support/compile-cache.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/database.ts'],
    setupFiles: ['test/support/leak-watch.ts', 'test/support/put-back.ts', 'test/support/properties.ts'],
    // A machine that others use as well is slow, not wrong.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // Servers, databases and files: what waits for a disk leaves the cores to others.
    pool: 'forks',
    maxWorkers: 3,
    // A worker imports the server once, not once for each file: what a file changes of its process, it puts back.
    isolate: false,
    env: { NODE_COMPILE_CACHE: compileCache },
    // The sources run as they do in the server: by Node itself, with one copy of every module, as they are.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    slowTestThreshold: 2_000,
  },
});
