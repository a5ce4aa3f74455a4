/** The kinds of tests; test/README.md says which is for what. A test file that belongs to none fails the architecture tests. */
import { defineConfig } from 'vitest/config';

/** Real servers share the machine with the tests that use them. */
const oneAtATime = { fileParallelism: false, testTimeout: 120_000, hookTimeout: 240_000 } as const;

export default defineConfig({
  test: {
    allowOnly: false,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: ['{runtime,operator,crds,local,bench}/**/*.test.ts', 'test/{simulators,support}/**/*.test.ts'],
        },
      },
      { extends: true, test: { name: 'architecture', include: ['test/architecture/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 } },
      { extends: true, test: { name: 'conformance', include: ['test/conformance/**/*.test.ts'], testTimeout: 60_000 } },
      { extends: true, test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...oneAtATime } },
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...oneAtATime } },
    ],
  },
});
