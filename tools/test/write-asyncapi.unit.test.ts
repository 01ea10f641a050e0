import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { Parser } from '@asyncapi/parser'
import { topicNames, topics } from '@millrace/events'
import { asyncApi, asyncApiText } from '../write-asyncapi.ts'

const file = fileURLToPath(new URL('../../docs/asyncapi.json', import.meta.url))

describe('docs/asyncapi.json', () => {
  it('is what the topics are today: otherwise `npm run asyncapi`', async () => {
    expect(readFileSync(file, 'utf8')).toBe(await asyncApiText())
  })

  it('is valid AsyncAPI 3 with every topic and record type', async () => {
    const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'))
    expect(diagnostics.map(({ code, message, path }) => [code, message, path.join('/')])).toEqual([])
    const channels = document?.allChannels().all() ?? []
    expect(channels.map((channel) => channel.address()).toSorted()).toEqual(topicNames.toSorted())
    for (const channel of channels) {
      const spec = Object.values(topics).find(({ name }) => name === channel.address())
      expect(
        channel
          .messages()
          .all()
          .map((message) => message.name()),
      ).toEqual(expect.arrayContaining([...(spec?.recordTypes ?? [])]))
    }
  })

  it('is found out when it is not valid', async () => {
    const broken = { ...asyncApi(), channels: { orders: { address: 7 } } }
    const { diagnostics } = await new Parser().parse(JSON.stringify(broken))
    expect(diagnostics.length).toBeGreaterThan(0)
  })
})
