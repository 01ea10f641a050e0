import { describe, expect, it } from '@jest/globals'
import { CONTAINER_SPECS, publishOnLoopback } from '../src/docker/container-spec.ts'
import { engineSockets, mayHaveEngine } from '../src/docker/find-engine.ts'

const memory = { kafkaMinMb: 128, kafkaMaxMb: 256, registryMaxMb: 200, mongoCacheGb: 0.5 }
const specOf = (role: 'kafka' | 'mongo' | 'registry') => CONTAINER_SPECS[role]({ port: 19000, memory })

describe('containers', () => {
  it('publishes ports on the loopback address only', () => {
    expect(publishOnLoopback(specOf('kafka'))).toEqual({
      '9092/tcp': [{ HostIp: '127.0.0.1', HostPort: '19000' }],
    })
  })

  it('advertises to clients the port that Kafka has on this machine', () => {
    const { env, url } = specOf('kafka')
    expect(env['KAFKA_ADVERTISED_LISTENERS']).toBe('PLAINTEXT://127.0.0.1:19000')
    expect(url).toBe('127.0.0.1:19000')
  })

  it('gives MongoDB the same port inside and outside, as its replica set has one address', () => {
    const { containerPort, hostPort, command } = specOf('mongo')
    expect(containerPort).toBe(hostPort)
    expect(command.join(' ')).toContain('--port 19000 --replSet rs0')
  })

  it('keeps the schema ids in the mounted directory', () => {
    const { env, dataPath } = specOf('registry')
    expect(env['APICURIO_DATASOURCE_URL']).toContain(`jdbc:h2:file:${dataPath}/`)
  })
})

describe('looking for a container engine', () => {
  const without = () => false

  it('does not load the container library when there is no socket', () => {
    expect(mayHaveEngine({}, without)).toBe(process.platform === 'win32')
  })

  it('asks when DOCKER_HOST is set', () => {
    expect(mayHaveEngine({ DOCKER_HOST: 'unix:///x.sock' }, without)).toBe(true)
  })

  it('finds the socket of a rootless engine', () => {
    expect(engineSockets({ XDG_RUNTIME_DIR: '/run/user/1000' })).toContain('/run/user/1000/docker.sock')
  })
})
