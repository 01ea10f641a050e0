import { checkedTable } from './check-table.ts'
import { processState } from './process-state.ts'
import type { AnyTable } from './table.ts'

/** The first is the one that is meant where none is named. */
export const tables: readonly [AnyTable, ...AnyTable[]] = [checkedTable(processState)]

export const findTable = (name: string): AnyTable | null =>
  tables.find((table) => table.name === name) ?? null
