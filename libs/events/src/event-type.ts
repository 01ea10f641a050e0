import { storedTypes, type StoredDataByType, type StoredType } from './generated/event-types.ts'
import { upcasters } from './upcasters.ts'

/** What domain code handles and writes: every record but the former ones. */
export type EventType = Exclude<StoredType, keyof typeof upcasters>

export type EventDataByType = Pick<StoredDataByType, EventType>

const isNewest = (type: StoredType): type is EventType => !Object.hasOwn(upcasters, type)

export const eventTypes: readonly EventType[] = storedTypes.filter(isNewest)

const known: ReadonlySet<string> = new Set(eventTypes)

export const isEventType = (text: string): text is EventType => known.has(text)
