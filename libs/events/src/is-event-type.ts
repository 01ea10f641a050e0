import { eventTypes, type EventType } from './generated/event-types.ts'

const known: ReadonlySet<string> = new Set(eventTypes)

export const isEventType = (text: string): text is EventType => known.has(text)
