// Run by `npm test` (tools/test.ts), which gives Node the flags that native ESM needs in Jest:
// --experimental-vm-modules --conditions=source --disable-warning=ExperimentalWarning
const shared = {
  roots: ['<rootDir>/libs', '<rootDir>/services', '<rootDir>/cli', '<rootDir>/test', '<rootDir>/tools'],
  testEnvironment: 'node',
  // Workspace packages resolve to their sources, in tests as in development.
  testEnvironmentOptions: { customExportConditions: ['source', 'node'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'mjs', 'js', 'cjs', 'json', 'node'],
  transform: { '\\.ts$': '<rootDir>/tools/jest-strip-types.mjs' },
  modulePathIgnorePatterns: ['/dist/', '/\\.millrace/'],
}

// Jest calls a globalSetup once per distinct path, so `int` and `e2e` share one stack in one run.
const withServers = {
  ...shared,
  globalSetup: '<rootDir>/tools/jest-global-setup.mjs',
  globalTeardown: '<rootDir>/tools/jest-global-teardown.mjs',
}

export default {
  // Jest knows this one only for all projects together. Nothing waits for it but a test that hangs.
  testTimeout: 180_000,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['**/*.unit.test.ts'] },
    { ...withServers, displayName: 'int', testMatch: ['**/*.int.test.ts'] },
    {
      ...withServers,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/e2e/**/*.e2e.test.ts'],
    },
  ],
}
