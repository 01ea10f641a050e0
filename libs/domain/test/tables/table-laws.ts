import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Document, Table } from '@millrace/domain'

const PASSING_MS = fc.nat(600_000)

/** What the engine takes for granted of a table, for any of its states. */
export const tableLaws = <State extends Document>(table: Table<State>, states: fc.Arbitrary<State>): void => {
  const passed = (state: State | null, clockMs: number): State | null => state && table.at(state, clockMs)

  it(`${table.name}: a look on the way changes nothing`, () => {
    fc.assert(
      fc.property(states, PASSING_MS, PASSING_MS, (state, first, second) => {
        const from = table.changesAt(state) ?? 0
        const [t1, t2] = [from + Math.min(first, second) - 300_000, from + Math.max(first, second) - 300_000]
        expect(passed(table.at(state, t1), t2)).toEqual(table.at(state, t2))
      }),
    )
  })

  it(`${table.name}: a state changes when it says so, and not before`, () => {
    fc.assert(
      fc.property(states, (state) => {
        const changesAt = table.changesAt(state)
        if (changesAt === null) return
        expect(table.at(state, changesAt - 1)).toBe(state)
        expect(table.at(state, changesAt)).not.toEqual(state)
      }),
    )
  })

  it(`${table.name}: what time has made of a state changes later than that`, () => {
    fc.assert(
      fc.property(states, PASSING_MS, (state, passing) => {
        const clockMs = (table.changesAt(state) ?? 0) + passing
        const after = table.at(state, clockMs)
        if (after) expect(table.changesAt(after) ?? Infinity).toBeGreaterThan(clockMs)
      }),
    )
  })
}
