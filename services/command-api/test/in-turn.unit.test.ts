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

  it('refuses what would wait too long, and only while it would', async () => {
    const inTurn = makeInTurn(2)
    const gate = Promise.withResolvers<string>()
    const line = [inTurn('one', () => gate.promise), inTurn('one', () => gate.promise)]
    await expect(inTurn('one', () => Promise.resolve())).rejects.toMatchObject({ code: 'STORE_BUSY' })
    expect(await inTurn('two', () => Promise.resolve('another line'))).toBe('another line')
    gate.resolve('done')
    expect(await Promise.all(line)).toEqual(['done', 'done'])
    expect(await inTurn('one', () => Promise.resolve('again'))).toBe('again')
  })

  it('goes on after work that failed, and tells only its own caller', async () => {
    const inTurn = makeInTurn()
    const failed = inTurn('one', () => Promise.reject(new Error('no')))
    const next = inTurn('one', () => Promise.resolve('yes'))
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })
})
