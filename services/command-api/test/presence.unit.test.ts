import { describe, expect, it } from '@jest/globals'
import type { EventStore, NewCommit } from '@millrace/mongo'
import { whilePresent } from '../src/presence.ts'

const openStore = (confirm: () => Promise<void>) => {
  const appended: NewCommit[] = []
  const append: EventStore['append'] = async (commit) => {
    appended.push(commit)
    return { type: 'appended' }
  }
  const store = { append } as EventStore
  const presence = { id: 'here', confirm, leave: async () => undefined }
  return { appended, store: whilePresent(store, presence) }
}

const commit = { _id: 'c-1' } as NewCommit

describe('a store that is written to while the writer is present', () => {
  it('takes commits', async () => {
    const { appended, store } = openStore(async () => undefined)
    expect(await store.append(commit)).toEqual({ type: 'appended' })
    expect(appended).toEqual([commit])
  })

  it('takes none once the writer was taken to be gone', async () => {
    const lost = new Error('lost')
    const { appended, store } = openStore(() => Promise.reject(lost))
    await expect(store.append(commit)).rejects.toBe(lost)
    expect(appended).toEqual([])
  })
})
