// A process with kafkajs as it is published: libs/kafka gives the kafkajs of its own process a faster record encoder.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel, type Message } from 'kafkajs'
import { inFlight } from './measure.ts'

export type BareSend = { readonly messages: readonly (Message & { partition: number })[] }

type Work = {
  readonly broker: string
  readonly topic: string
  readonly sends: readonly BareSend[]
  /** How often all of them are made; once unless given. */
  readonly times?: number
  /** So many under way at the same time; one unless given. */
  readonly width?: number
}

export type BareProducer = {
  /** Seconds for all sends. */
  produce(): Promise<number>
  close(): Promise<void>
}

const script = fileURLToPath(import.meta.url)

export const startBareProducer = async (work: Work): Promise<BareProducer> => {
  // kafkajs sets timers in the past, and Node says so each time.
  const execArgv = [...process.execArgv, '--disable-warning=TimeoutNegativeWarning']
  const child = fork(script, { execArgv, serialization: 'advanced' })
  const answer = async (): Promise<unknown> => {
    const [message] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`the producer ended with ${code}`))),
    ])) as [unknown]
    return message
  }
  child.send(work)
  await answer()
  return {
    produce: async () => {
      child.send('go')
      return Number(await answer())
    },
    close: async () => {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

const serve = async ({ broker, topic, sends, times = 1, width = 1 }: Work): Promise<void> => {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false })
  await producer.connect()
  const produce = (): Promise<void> =>
    inFlight(times * sends.length, width, (index) => {
      const messages = [...(sends[index % sends.length]?.messages ?? [])]
      return producer.send({ topic, acks: -1, messages })
    })
  process.on('message', () => {
    void (async () => {
      const startedAt = performance.now()
      await produce()
      process.send?.((performance.now() - startedAt) / 1000)
    })()
  })
  process.once('disconnect', () => void producer.disconnect())
  process.send?.('ready')
}

if (process.argv[1] === script) {
  const [work] = (await once(process, 'message')) as [Work]
  await serve(work)
}
