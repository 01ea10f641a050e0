import { describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'

const soon = { timeoutMs: 30, everyMs: 1 }
const faultOf = (waiting: Promise<unknown>): Promise<unknown> => waiting.catch((error: unknown) => error)

describe('eventually', () => {
  it('returns the value that holds', async () => {
    let reads = 0
    const value = await eventually(
      () => ++reads,
      (read) => read === 3,
    )
    expect([value, reads]).toEqual([3, 3])
  })

  it('reads once even without any time', async () => {
    await expect(
      eventually(
        () => Promise.resolve('at once'),
        () => true,
        { timeoutMs: 50, everyMs: 1000 },
      ),
    ).resolves.toBe('at once')
  })

  it('takes a read that throws for "not yet"', async () => {
    let reads = 0
    const read = () => {
      if (++reads < 3) throw new Error('not there')
      return Promise.resolve(reads)
    }
    await expect(eventually(read, () => true)).resolves.toBe(3)
  })

  it('tells the last value when time is out', async () => {
    const waiting = eventually(
      () => ({ status: 'placed' }),
      () => false,
      soon,
    )
    await expect(waiting).rejects.toThrow("Not so within 30 ms; last read { status: 'placed' }")
  })

  it('tells the last error when time is out', async () => {
    const error = new Error('not there')
    const waiting = eventually(
      () => Promise.reject(error),
      () => true,
      soon,
    )
    expect(await faultOf(waiting)).toMatchObject({ cause: error })
  })

  it('gives up a read that never answers', async () => {
    const waiting = eventually(
      () => new Promise(() => undefined),
      () => true,
      soon,
    )
    await expect(waiting).rejects.toThrow('no read was answered')
  })

  it('lets an error of the predicate through', async () => {
    const waiting = eventually(
      () => 1,
      () => {
        throw new Error('a bug in the test')
      },
    )
    await expect(waiting).rejects.toThrow('a bug in the test')
  })
})
