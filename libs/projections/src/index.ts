export { buildSource, type BuildMaking } from './build-source.ts'
export { watermarkAfter, type Entry, type SourceRecord } from './entry.ts'
export { foldBatch, parkAlone, placeEntries, type Folding, type PlacedEntry } from './fold-batch.ts'
export { compareSources, type CompareOptions, type Comparison, type Side } from './compare.ts'
export { differencesOf, type FieldDifference } from './differences.ts'
export {
  clockAfter,
  foldTable,
  type TableClock,
  type TableEntry,
  type TableFolding,
  type TableGround,
} from './fold-table.ts'
export type { DocumentDifference, ExpectedDifferences } from './expected-differences.ts'
export { documentOf, foldLog, type FoldedChange, type LogFold, type LogFoldDeps } from './log-fold.ts'
export type { Positions, Sight, Source, SourcePartial } from './source.ts'
