import { describe, expect, it } from '@jest/globals'
import { javaArgs, parseJavaMajor } from '../src/java.ts'
import { formatProperties, makeKafkaProperties, toKafkaEnv } from '../src/kafka-properties.ts'
import { mongodArgs, mongoUrl } from '../src/mongo-process.ts'
import { registryArgs, registryUrl } from '../src/registry-process.ts'

const addresses = {
  listener: '127.0.0.1:9092',
  controller: '127.0.0.1:20001',
  advertised: '127.0.0.1:9092',
}

describe('what the servers are told', () => {
  it('lets Kafka listen on the loopback address only', () => {
    const properties = makeKafkaProperties(addresses, 'data')
    expect(properties['listeners']).toBe('PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:20001')
    expect(properties['advertised.listeners']).toBe('PLAINTEXT://127.0.0.1:9092')
  })

  it('keeps Kafka from creating topics by accident', () => {
    expect(makeKafkaProperties(addresses, 'data')['auto.create.topics.enable']).toBe('false')
  })

  it('writes one Kafka property a line', () => {
    expect(formatProperties({ 'a.b': '1', c: '2' })).toBe('a.b=1\nc=2\n')
  })

  it('gives a container the same properties by their environment names', () => {
    expect(toKafkaEnv({ 'message.max.bytes': '5242880' })).toEqual({ KAFKA_MESSAGE_MAX_BYTES: '5242880' })
  })

  it('lets mongod listen on the loopback address as a member of rs0', () => {
    const args = mongodArgs({ directory: '/data', port: 27017, cacheGb: 0.5 }).join(' ')
    expect(args).toContain('--bind_ip 127.0.0.1 --port 27017')
    expect(args).toContain('--replSet rs0')
    expect(args).toContain('--wiredTigerCacheSizeGB 0.5')
  })

  it('names the replica set in the MongoDB URL', () => {
    expect(mongoUrl('127.0.0.1:27017')).toBe('mongodb://127.0.0.1:27017/?replicaSet=rs0')
  })

  it('lets the registry listen on the loopback address and keep its data in a file', () => {
    const args = registryArgs({ jar: 'registry.jar', port: 8081, maxMb: 384 })
    expect(args).toContain('-Dquarkus.http.host=127.0.0.1')
    expect(args).toContain('-Dapicurio.datasource.url=jdbc:h2:file:./registry;WRITE_DELAY=0')
    expect(args.slice(-2)).toEqual(['-jar', 'registry.jar'])
  })

  it('returns the root of the Confluent API as the registry URL', () => {
    expect(registryUrl(8081)).toBe('http://127.0.0.1:8081/apis/ccompat/v7')
  })

  it('bounds the heap of every Java server', () => {
    expect(javaArgs({ minMb: 64, maxMb: 256 }).slice(0, 2)).toEqual(['-Xms64m', '-Xmx256m'])
    expect(javaArgs({ maxMb: 384 })[0]).toBe('-Xmx384m')
  })

  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['openjdk version "21" 2023-09-19', 21],
    ['java version "1.8.0_392"', 8],
    ['something else', null],
  ])('reads the Java version from %s', (output, major) => {
    expect(parseJavaMajor(output)).toBe(major)
  })
})
