import { createRequire } from 'node:module'

export const load = createRequire(import.meta.url)

type Method = (this: object, ...input: unknown[]) => Promise<unknown>
type Patched = { prototype: Record<string, Method> }

const restores: (() => void)[] = []

/** Replaces a method of a class of kafkajs until `restoreKafkajs`. */
export const patch = (path: string, name: string, make: (original: Method) => Method): void => {
  const { prototype } = load(path) as Patched
  const original = prototype[name] as Method
  prototype[name] = make(original)
  restores.push(() => (prototype[name] = original))
}

export const patchBroker = (name: string, make: (original: Method) => Method): void =>
  patch('kafkajs/src/broker/index.js', name, make)

/** Replaces what asks a broker to write a batch. */
export const patchProduce = (make: (original: Method) => Method): void => patchBroker('produce', make)

/** The broker is not asked to write the next batch, and answers as if it had put it at the partition's begin. */
export const swallowNext = (partition: number): void => {
  let left = 1
  patchProduce(
    (original) =>
      async function (...input) {
        if (left-- <= 0) return original.apply(this, input)
        const [{ topicData }] = input as [{ topicData: { topic: string }[] }]
        const partitions = [{ partition, errorCode: 0, baseOffset: '0', logAppendTime: '-1' }]
        return { topics: topicData.map(({ topic }) => ({ topicName: topic, partitions })) }
      },
  )
}

/** To be called after each test. */
export const restoreKafkajs = (): void => {
  for (const restore of restores.splice(0)) restore()
}
