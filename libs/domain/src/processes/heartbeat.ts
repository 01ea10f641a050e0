/*
 * The processes context has no decider: a heartbeat is a measurement, nobody can say no to it, and it goes straight
 * to its topic. What it has is the schema of what may come in, and the key under which one process is known.
 */
import type { DomainEvent } from '@millrace/events'
import { z } from 'zod'
import { countField, textField, timeField } from '../fields.ts'

const MAX_NAME_LENGTH = 200

/** One element of `POST /heartbeats`. */
export const heartbeatBody = z.strictObject({
  // Without a colon, and a pid is digits only: so a key can be taken apart whatever a process calls itself.
  host: z.string().regex(/^[A-Za-z0-9._@~-]{1,128}$/),
  name: textField.max(MAX_NAME_LENGTH),
  pid: countField,
  startedAt: timeField,
  at: timeField,
  beat: countField,
  cpu: z.number().min(0),
  rss: countField,
})

export type HeartbeatBody = Readonly<z.output<typeof heartbeatBody>>

export const heartbeatReceived = (body: HeartbeatBody): DomainEvent<'HeartbeatReceived'> => ({
  type: 'HeartbeatReceived',
  data: body,
})

type ProcessName = Pick<HeartbeatBody, 'host' | 'name' | 'pid'>

/** The aggregate id of a process: `host:name:pid`. A pid is used again; `startedAt` tells its users apart. */
export const processKeyOf = ({ host, name, pid }: ProcessName): string => `${host}:${name}:${pid}`

export const processStreamOf = (process: ProcessName): string => `processes.process-${processKeyOf(process)}`
