import js from '@eslint/js'
import globals from 'globals'
import tseslint from 'typescript-eslint'

const typescript = ['**/*.ts']
const tests = ['**/test/**/*.ts', 'test/**/*.ts', 'libs/testkit/**/*.ts', '**/*.test.ts']
const plainScripts = ['**/*.mjs', '**/*.cjs']

const environment = {
  object: 'process',
  property: 'env',
  message: 'Read the environment once, in config.ts, and pass the values on.',
}
const exit = {
  object: 'process',
  property: 'exit',
  message: 'Only main.ts ends the process; elsewhere return, throw or set process.exitCode.',
}
const impureProperties = [
  { object: 'Date', property: 'now', message: 'Time comes in with the command or event.' },
  { object: 'Math', property: 'random', message: 'Ids and chance come in with the command.' },
]
const impureGlobals = [
  'console',
  'crypto',
  'fetch',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
]

const closedModules = [
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
  { selector: 'ExportAllDeclaration', message: 'List the exported names: they are the public surface.' },
]
const impureSyntax = [
  { selector: 'AwaitExpression', message: 'The domain is synchronous.' },
  { selector: 'ForOfStatement[await=true]', message: 'The domain is synchronous.' },
  { selector: ':function[async=true]', message: 'The domain is synchronous.' },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Time comes in with the command or event.',
  },
  { selector: "CallExpression[callee.name='Date']", message: 'Time comes in with the command or event.' },
]

// Tenants' documents are reached through libs/mongo/src/tenant-data.ts, so that no query can lack its tenant.
const throughTenantData = 'Reach documents through tenant-data.ts: no query without a tenant.'
const rawCollections = [
  "CallExpression[callee.property.name='collection']",
  "CallExpression[callee.property.value='collection']",
  "MemberExpression[property.name='db']:not([object.name='client'], [object.property.name='client'])",
  'ObjectPattern > Property[key.name=/^(?:db|collection)$/]',
].map((selector) => ({ selector, message: throughTenantData }))
const rawTypes = [
  { name: 'mongodb', importNames: ['Collection', 'Db'], message: throughTenantData },
  { name: './tenant-collection.ts', message: throughTenantData },
]
const acrossTenants = {
  name: './across-tenants.ts',
  message: 'Only the work that it lists goes past the tenants.',
}
const notImported = (...paths) => {
  const ofProcess = ['process', 'node:process'].map((name) => ({
    name,
    message: 'Use the global `process`.',
  }))
  return ['error', { paths: [...ofProcess, ...paths] }]
}
const production = ['libs/*/src/**/*.ts', 'services/*/src/**/*.ts', 'cli/src/**/*.ts']

const size = ({ file, callback, params }) => ({
  'max-lines': ['error', { max: file, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: callback, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', params],
  'max-depth': ['error', 3],
  complexity: ['error', 10],
})

export default tseslint.config(
  { ignores: ['**/dist/**', '**/generated/**', '**/coverage/**', '.millrace/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    languageOptions: { globals: globals.node },
    rules: { eqeqeq: 'error', 'no-restricted-syntax': ['error', ...closedModules] },
  },
  {
    files: typescript,
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      ...size({ file: 250, callback: 50, params: 3 }),
      'no-restricted-properties': ['error', environment, exit],
      'no-restricted-imports': notImported(),
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // An async function without await is how a synchronous adapter implements an asynchronous port.
      '@typescript-eslint/require-await': 'off',
      // Our objects are closures: their methods do not know `this` and may be handed on.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  { files: plainScripts, rules: size({ file: 250, callback: 50, params: 3 }) },
  { files: ['libs/**', 'services/**'], rules: { 'no-console': 'error' } },
  { files: ['**/config.ts'], rules: { 'no-restricted-properties': ['error', exit] } },
  { files: ['**/main.ts'], rules: { 'no-restricted-properties': ['error', environment] } },
  {
    files: production,
    ignores: ['libs/mongo/src/{collections,connect-mongo,replica-set}.ts', 'libs/testkit/**'],
    rules: { 'no-restricted-syntax': ['error', ...closedModules, ...rawCollections] },
  },
  {
    files: ['libs/mongo/src/**'],
    rules: { 'no-restricted-imports': notImported(...rawTypes, acrossTenants) },
  },
  {
    files: [
      'libs/mongo/src/{build-reader,builds,change-stream,feed-scan,indexes,inline-read-models,partition-keys,partition-log,publications,table-store}.ts',
    ],
    rules: { 'no-restricted-imports': notImported(...rawTypes) },
  },
  {
    files: ['libs/mongo/src/{across-tenants,collections,connect-mongo,tenant-collection,tenant-data}.ts'],
    rules: { 'no-restricted-imports': notImported() },
  },
  {
    files: ['libs/domain/src/**'],
    rules: {
      'no-restricted-globals': ['error', ...impureGlobals],
      'no-restricted-properties': ['error', environment, exit, ...impureProperties],
      'no-restricted-syntax': ['error', ...closedModules, ...impureSyntax],
    },
  },
  {
    files: tests,
    rules: { ...size({ file: 400, callback: 300, params: 4 }), 'no-restricted-properties': ['error', exit] },
  },
  // Tools set the environment of what they start.
  { files: ['tools/**'], rules: { 'no-restricted-properties': ['error', exit] } },
  // Jest and ESLint load these by their default export.
  {
    files: ['*.config.mjs', 'tools/jest-*.mjs'],
    rules: { 'no-restricted-syntax': ['error', closedModules[1]] },
  },
)
