// What "no state goes backwards" means for the records of one key, in the order of the log:
//
//   process.state           `outbox_number` and `ce_version` never fall; nor does `beat` among states of the same process,
//                           whatever the clock of whoever has reported it
//   process.state.snapshot  `_v` never falls
//   processes.changed       a record is above all of its key by `ce_id`, and begins with what the one before has left;
//                           or it is a repeat: its id was there before, with the same content
//
// Records of transactions that were given up are among them: readers of this project see those as well.

import type { DomainEvent } from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'

export type LogEntry = {
  /** Message key. */
  readonly key: string
  readonly record: KafkaRecord
  /** Null of a tombstone. */
  readonly event: DomainEvent | null
}

/** Told all entries of a topic, of each key in their order; gives what is wrong with this one. */
export type OrderRule = (entry: LogEntry) => readonly string[]

/** Gives the fault of a value that is below the one that the same name had before. */
const neverFalls = (what: string) => {
  const highest = new Map<string, number>()
  return (name: string, value: number): string[] => {
    const before = highest.get(name) ?? -Infinity
    highest.set(name, Math.max(before, value))
    return value < before ? [`${what} of ${name} falls from ${before} to ${value}`] : []
  }
}

const header = ({ record }: LogEntry, name: string): string => String(record.headers[name])

/** `startOf` tells processes apart that have had the same pid. */
export const statesRise = (startOf: (startedAt: number) => number): OrderRule => {
  const [number, version, beat] = [
    neverFalls('outbox_number'),
    neverFalls('ce_version'),
    neverFalls('the beat'),
  ]
  return (entry) => {
    const { key, event } = entry
    const numbered = number(key, Number(header(entry, 'outbox_number')))
    if (event?.type !== 'ProcessState') return numbered
    const { startedAt, beat: count } = event.data
    return [
      ...numbered,
      ...version(key, Number(header(entry, 'ce_version'))),
      ...beat(`${key} of start ${startOf(startedAt)}`, count),
    ]
  }
}

export const snapshotsRise = (): OrderRule => {
  const version = neverFalls('_v')
  return ({ key, event }) => (event?.type === 'ProcessStateSnapshot' ? version(key, event.data._v) : [])
}

/** Of a key of processes.changed. */
type Told = { readonly contents: Map<string, string>; lastId: string; after: string | null }

export const changesRise = (): OrderRule => {
  const keys = new Map<string, Told>()
  return (entry) => {
    const { key, event } = entry
    const id = header(entry, 'ce_id')
    if (event?.type !== 'DocumentChanged') return [`${key}: ${id} is no change`]
    const { before, after, origin } = event.data
    const told = keys.get(key) ?? { contents: new Map(), lastId: '', after: null }
    keys.set(key, told)
    const content = JSON.stringify(event.data)
    if (id <= told.lastId)
      return told.contents.get(id) === content ? [] : [`${key}: ${id} comes behind ${told.lastId}`]
    const isTornOff = origin === 'change' && before !== told.after
    const faults = isTornOff ? [`${key}: ${id} begins with ${before}, before it was ${told.after}`] : []
    told.contents.set(id, content)
    told.lastId = id
    told.after = after
    return faults
  }
}
