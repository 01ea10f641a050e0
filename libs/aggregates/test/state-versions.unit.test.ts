import { describe, expect, it } from '@jest/globals'
import { contexts, type AnyContext } from '@millrace/domain'
import { topics, type DomainEvent } from '@millrace/events'
import { checksumOf } from '../src/state-checksum.ts'
import { stateSamples, type StateSample } from './state-samples.ts'

const sampleOf = ({ name }: AnyContext): StateSample => {
  const sample = stateSamples[name]
  if (sample) return sample
  throw new Error(`${name} has no histories in state-samples.ts: add some, and the checksum of their states`)
}

/** After each event of each history. */
const statesOf = ({ decider }: AnyContext, histories: StateSample['histories']): unknown[] =>
  histories.flatMap((history) => {
    let state = decider.initialState
    return history.map((event: DomainEvent, index) => {
      state = decider.evolve(state, { ...event, occurredAt: (index + 1) * 1_000 })
      return state
    })
  })

const advice = ({ name, snapshots }: AnyContext, checksum: string, isRecorded: boolean): string => {
  const version = isRecorded ? snapshots.stateVersion + 1 : snapshots.stateVersion
  const add = `add to the checksums of ${name} in state-samples.ts: ${version}: '${checksum}'`
  if (!isRecorded) return `stateVersion ${version} of ${name} is not recorded yet; ${add}`
  return [
    `The sample histories give ${name} other states than its stateVersion ${snapshots.stateVersion} stands for,`,
    'so a snapshot taken before the change would pass for one of the new states.',
    `Raise snapshots.stateVersion of ${name} to ${version}, and ${add}`,
  ].join('\n')
}

describe.each(contexts)('the states of $name', (context) => {
  it('are those that its stateVersion stands for', () => {
    const { histories, checksums } = sampleOf(context)
    const checksum = checksumOf(statesOf(context, histories))
    const recorded = checksums[context.snapshots.stateVersion]
    if (recorded !== checksum) throw new Error(advice(context, checksum, recorded !== undefined))
  })

  it('are tried with every event there is', () => {
    const tried = new Set(
      sampleOf(context)
        .histories.flat()
        .map(({ type }) => type),
    )
    expect([...tried].toSorted()).toEqual([...topics[context.topic].recordTypes].toSorted())
  })

  it('come back from JSON as they were', () => {
    for (const state of statesOf(context, sampleOf(context).histories))
      expect(JSON.parse(JSON.stringify(state))).toStrictEqual(state)
  })
})
