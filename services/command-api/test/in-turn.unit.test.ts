import { describe, expect, it } from '@jest/globals'
import { makeInTurn } from '../src/in-turn.ts'

describe('work in turn', () => {
  it('of one name runs one after the other, in the order it came', async () => {
    const inTurn = makeInTurn()
    const seen: string[] = []
    const gates = ['a', 'b', 'c'].map((name) => ({ name, gate: Promise.withResolvers<void>() }))
    const all = gates.map(({ name, gate }) =>
      inTurn('one', async () => {
        seen.push(`${name} begins`)
        await gate.promise
        seen.push(`${name} ends`)
        return name
      }),
    )
    for (const { gate } of gates.toReversed()) gate.resolve()
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c'])
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  it('of another name does not wait', async () => {
    const inTurn = makeInTurn()
    const gate = Promise.withResolvers<void>()
    const held = inTurn('one', () => gate.promise)
    expect(await inTurn('two', () => Promise.resolve('done'))).toBe('done')
    gate.resolve()
    await held
  })

  it('goes on after work that failed, and tells only its own caller', async () => {
    const inTurn = makeInTurn()
    const failed = inTurn('one', () => Promise.reject(new Error('no')))
    const next = inTurn('one', () => Promise.resolve('yes'))
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })
})
