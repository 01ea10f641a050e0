// A thread with kafkajs as it is published: libs/kafka gives the kafkajs of its own thread a faster record encoder.

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Kafka, logLevel, type Message } from 'kafkajs'

export type BareSend = { readonly messages: readonly (Message & { partition: number })[] }

type Work = { readonly broker: string; readonly topic: string; readonly sends: readonly BareSend[] }

export type BareProducer = {
  /** Seconds for all sends, one after the other. */
  produce(): Promise<number>
  close(): Promise<void>
}

export const startBareProducer = async (work: Work): Promise<BareProducer> => {
  // kafkajs sets timers in the past, and Node says so each time.
  const execArgv = [...process.execArgv, '--disable-warning=TimeoutNegativeWarning']
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: work, execArgv })
  await once(worker, 'message')
  return {
    produce: async () => {
      worker.postMessage('go')
      const [seconds] = (await once(worker, 'message')) as [number]
      return seconds
    },
    close: async () => void (await worker.terminate()),
  }
}

/** Bytes arrive as plain Uint8Arrays; kafkajs wants Buffers. */
const revive = ({ messages }: BareSend): BareSend => ({
  messages: messages.map((message) => ({
    ...message,
    value: message.value && Buffer.from(message.value),
  })),
})

const serve = async ({ broker, topic, sends }: Work): Promise<void> => {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false })
  await producer.connect()
  const ready = sends.map(revive)
  parentPort?.on('message', () => {
    void (async () => {
      const startedAt = performance.now()
      for (const { messages } of ready) await producer.send({ topic, acks: -1, messages: [...messages] })
      parentPort?.postMessage((performance.now() - startedAt) / 1000)
    })()
  })
  parentPort?.postMessage('ready')
}

if (!isMainThread) await serve(workerData as Work)
