import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { parseAs } from '../../src/http/parse-as.ts'
import { ProblemError, type FieldFault } from '../../src/http/problem.ts'

let readings = 0
const item = z.strictObject({
  count: z
    .int()
    .min(0)
    .refine(() => (readings += 1) > 0),
  text: z.string().transform((text) => text.trim()),
})
const list = z.array(item).min(1).max(1_000)

const faultsOf = (schema: z.ZodType, value: unknown): readonly FieldFault[] => {
  try {
    parseAs(schema, value)
    return []
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.errors ?? []
    throw error
  }
}

const good = { count: 1, text: ' a ' }
const bad = { count: -1, text: 1 }
const manyOf = (length: number, value: unknown): unknown[] => Array.from({ length }, () => value)

describe('a body', () => {
  it('is what its schema makes of it, be it a short list or a long one', () => {
    for (const length of [1, 20, 21, 1_000])
      expect(parseAs(list, manyOf(length, good))).toEqual(manyOf(length, { count: 1, text: 'a' }))
  })

  it('without a field it has to have is told that the field is missing, in a short list and in a long one', () => {
    const missing = { detail: 'is missing' }
    expect(faultsOf(item, { count: 1 })).toEqual([{ pointer: '/text', ...missing }])
    for (const length of [1, 21])
      expect(faultsOf(list, manyOf(length, { count: 1 }))[0]).toEqual({ pointer: '/0/text', ...missing })
  })

  it('that is a list has as many items as its schema says', () => {
    expect(faultsOf(list, [])).toEqual([{ pointer: '', detail: expect.stringContaining('>=1') }])
    expect(faultsOf(list, manyOf(1_001, bad))).toEqual([
      { pointer: '', detail: expect.stringContaining('<=1000') },
    ])
  })

  it.each([10, 1_000])('of %i items names the bad ones by their places', (length) => {
    const items = [...manyOf(length - 2, good), { ...good, 'a/b': 1 }, bad]
    expect(faultsOf(list, items).map(({ pointer }) => pointer)).toEqual([
      `/${length - 2}/a~1b`,
      `/${length - 1}/count`,
      `/${length - 1}/text`,
    ])
  })

  it('names 20 faults at most', () => {
    const unknown = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`n${index}`, 1]))
    expect(faultsOf(list, manyOf(10, { ...bad, ...unknown }))).toHaveLength(20)
    expect(faultsOf(list, manyOf(1_000, bad))).toHaveLength(20)
    expect(faultsOf(item, unknown)).toHaveLength(20)
  })

  it('that is a list is read only until it has shown that many', () => {
    readings = 0
    faultsOf(list, [...manyOf(5, good), ...manyOf(10, bad), ...manyOf(985, { ...good, text: 1 })])
    expect(readings).toBeLessThan(20)
  })
})
