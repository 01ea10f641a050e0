import { processState } from './process-state.ts'
import type { AnyTable } from './table.ts'

export const tables: readonly AnyTable[] = [processState]

export const findTable = (name: string): AnyTable | null =>
  tables.find((table) => table.name === name) ?? null
