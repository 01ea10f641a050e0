import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { lintFromString, loadConfig } from '@redocly/openapi-core'
import type { OpenApiDocument } from '@millrace/runtime'
import { httpClient, type HttpAnswer, type HttpClient } from './http-client.ts'
import { startServiceProcess, type ServiceProcess } from './service-process.ts'
import { prepareServers, type TestServers } from './test-servers.ts'

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** What holds for the document of every service, and for its viewer. */
export const openApiRules = (name: string): void =>
  describe(`the OpenAPI document of ${name}`, () => {
    let servers: TestServers
    let service: ServiceProcess
    let client: HttpClient

    beforeAll(async () => {
      servers = await prepareServers({ name: `${name}-document` })
      service = await startServiceProcess(name, servers)
      client = httpClient(service.url)
    })

    afterAll(async () => {
      await client.close()
      await service.stop()
      await servers.stop()
    })

    const get = (path: string, headers = {}): Promise<HttpAnswer> => client.send({ path, headers })

    it('has no fault that the linter knows', async () => {
      const { text } = await get('/openapi.json')
      const config = await loadConfig({ configPath: fileOf('redocly.yaml') })
      const problems = await lintFromString({ source: text, absoluteRef: '/openapi.json', config })
      const found = problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])
      expect(found).toEqual([])
    })

    it('has the version of the package', async () => {
      const { info } = (await get('/openapi.json')).json() as OpenApiDocument
      const { version } = JSON.parse(readFileSync(fileOf(`services/${name}/package.json`), 'utf8')) as {
        version: string
      }
      expect(info['version']).toBe(version)
    })

    it('is not sent again to whom has it, and can only be read', async () => {
      const { headers } = await get('/openapi.json')
      const again = await get('/openapi.json', { 'if-none-match': String(headers['etag']) })
      expect([again.status, again.text]).toEqual([304, ''])
      const posted = await client.send({ method: 'POST', path: '/openapi.json' })
      expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD'])
    })

    it('is shown by a page that loads all it needs from the service, and may load nothing else', async () => {
      const page = await get('/docs')
      expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
      expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/)
      const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
      expect(links).toHaveLength(4)
      for (const link of links) {
        const { status, headers, text } = await get(link)
        expect([link, status, text.length > 0]).toEqual([link, 200, true])
        expect(headers['content-type']).toMatch(/^(?:text\/(?:css|javascript)|image\/png)/)
      }
      expect((await get('/docs/package.json')).status).toBe(404)
    })
  })
