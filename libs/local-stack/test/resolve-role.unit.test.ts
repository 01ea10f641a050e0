import { describe, expect, it } from '@jest/globals'
import { hidePassword, parseBrokers } from '../src/check-url.ts'
import { explainMongodFailure, requirePlatform } from '../src/download/mongod-download.ts'
import { LocalStackError } from '../src/local-stack-error.ts'
import { chooseOrigin } from '../src/resolve-role.ts'
import { isPortTaken, retryOnTakenPort } from '../src/stack-context.ts'
import { nextDelayMs } from '../src/supervise-process.ts'

const serverFailed = (lines: string) =>
  new LocalStackError('server-failed', 'Kafka did not start', { nextStep: lines })

describe('where a server comes from', () => {
  it('prefers a given URL, then Docker, then a process', () => {
    const fresh = { url: undefined, hasEngine: true, last: undefined }
    expect(chooseOrigin({ ...fresh, url: '127.0.0.1:9092' })).toBe('url')
    expect(chooseOrigin(fresh)).toBe('docker')
    expect(chooseOrigin({ ...fresh, url: '', hasEngine: false })).toBe('process')
  })

  it('stays with processes when they wrote the data, although Docker now answers', () => {
    expect(chooseOrigin({ url: undefined, hasEngine: true, last: 'process' })).toBe('process')
  })

  it('reads a list of brokers, with 9092 where no port is given', () => {
    expect(parseBrokers('a:1, b ,[::1]:3')).toEqual([
      { host: 'a', port: 1 },
      { host: 'b', port: 9092 },
      { host: '::1', port: 3 },
    ])
  })

  it('keeps passwords out of messages', () => {
    expect(hidePassword('mongodb://me:secret@host/db')).toBe('mongodb://me:[redacted]@host/db')
    expect(hidePassword('http://host:8081/apis')).toBe('http://host:8081/apis')
  })

  it('says what to do on a platform without a MongoDB download', () => {
    expect(() => requirePlatform('darwin', 'arm64')).toThrow(/darwin on arm64[^]*MONGO_URL/)
    expect(() => requirePlatform('linux', 'x64')).not.toThrow()
  })

  it('names the package of a missing library', () => {
    const message =
      'mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file'
    expect(explainMongodFailure(message)).toMatchObject({
      code: 'library-missing',
      nextStep: expect.stringContaining('apt-get install libcurl4'),
    })
  })
})

describe('starting again', () => {
  it('doubles the delay up to a limit', () => {
    const backoff = { firstMs: 1_000, maxMs: 30_000 }
    expect([0, 1, 4, 5, 5_000].map((failures) => nextDelayMs(backoff, failures))).toEqual([
      1_000, 2_000, 16_000, 30_000, 30_000,
    ])
  })

  it('tries another port when another program was faster', async () => {
    const retries: boolean[] = []
    const result = await retryOnTakenPort(async (isRetry) => {
      retries.push(isRetry)
      if (!isRetry) throw serverFailed('SocketException: Address already in use')
      return 'up'
    })
    expect(result).toBe('up')
    expect(retries).toEqual([false, true])
  })

  it('does not try again for any other reason', () => {
    expect(isPortTaken(serverFailed('java.lang.OutOfMemoryError'))).toBe(false)
  })
})
