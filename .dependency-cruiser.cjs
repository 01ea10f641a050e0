// Who may import whom. Every rule is shown to fire by test/architecture/import-rules.unit.test.ts.
//
//   services, cli ──► libs/{kafka,mongo} ──► libs/{runtime,events}        tests only ──► libs/testkit
//   services, cli ──► libs/domain        ──► libs/events, zod

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Modules that need each other are one module. Type imports count.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'libs-below-services',
      comment: 'A library knows nothing of who uses it.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(services|cli)/' },
    },
    {
      name: 'services-apart',
      comment: 'Services meet in Kafka, MongoDB or HTTP, never in an import.',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^(services|cli)/', pathNot: '^services/$1/' },
    },
    {
      name: 'cli-without-services',
      comment: 'The command line starts services as processes and talks to them over HTTP.',
      severity: 'error',
      from: { path: '^cli/src/' },
      to: { path: '^services/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'The domain imports itself, the events and zod: no I/O, no platform.',
      severity: 'error',
      from: { path: '^libs/domain/src/' },
      to: { pathNot: ['^libs/domain/src/', '^libs/events/src/index\\.ts$', '(^|/)node_modules/zod/'] },
    },
    {
      name: 'libs-by-their-index',
      comment: 'A library is entered by its index.ts; everything behind it may change.',
      severity: 'error',
      // The generator writes a part of the library, so it runs before the index can be loaded.
      from: {
        path: '^(libs/[^/]+|services|cli|bench|test|tools)/',
        pathNot: '^tools/generate-event-types\\.ts$',
      },
      to: { path: '^libs/[^/]+/(src|test)/', pathNot: ['^libs/[^/]+/src/index\\.ts$', '^$1/'] },
    },
    {
      name: 'kafka-and-mongo-apart',
      comment: 'A service joins the two; neither knows the other.',
      severity: 'error',
      from: { path: '^libs/(kafka|mongo)/src/' },
      to: { path: '^libs/(kafka|mongo)/', pathNot: '^libs/$1/' },
    },
    {
      name: 'kafka-client-in-libs-kafka',
      comment: 'Another Kafka client is a change to one folder; benches measure us against the bare client.',
      severity: 'error',
      from: { pathNot: '^(libs/kafka|bench)/' },
      to: { path: '(^|/)node_modules/kafkajs/' },
    },
    {
      name: 'mongo-driver-in-libs-mongo',
      comment: 'Another driver is a change to one folder; benches measure us against the bare driver.',
      severity: 'error',
      from: { pathNot: '^(libs/mongo|bench)/' },
      to: { path: '(^|/)node_modules/(mongodb|bson)/' },
    },
    {
      name: 'testkit-in-tests-only',
      comment: 'Fixtures and fakes never reach production code.',
      severity: 'error',
      from: { path: '/src/', pathNot: '^libs/testkit/' },
      to: { path: '^libs/testkit/' },
    },
    {
      name: 'src-stands-alone',
      comment: 'Production code needs no test, bench or tool to run.',
      severity: 'error',
      from: { path: ['^(libs|services)/[^/]+/src/', '^cli/src/'] },
      to: { path: ['^(test|bench|tools)/', '^(libs|services)/[^/]+/test/', '^cli/test/'] },
    },
    {
      name: 'resolvable',
      comment: 'Each import is declared by its own package and found.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['(^|/)dist/', '(^|/)coverage/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
}
