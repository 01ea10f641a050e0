import { Pool } from 'undici'

export type HttpAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body as JSON; throws when it is none. */
  json(): Record<string, unknown>
}

export type HttpRequest = {
  readonly method?: string
  /** Sent as it is: nothing is normalised or encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export type HttpClient = {
  send(request: HttpRequest): Promise<HttpAnswer>
  close(): Promise<void>
}

export const httpClient = (url: string): HttpClient => {
  const pool = new Pool(url)
  return {
    send: async ({ method = 'GET', path, headers = {}, body = null }) => {
      const response = await pool.request({ method, path, headers, body })
      const text = await response.body.text()
      return {
        status: response.statusCode,
        headers: response.headers,
        text,
        json: () => JSON.parse(text) as Record<string, unknown>,
      }
    },
    close: () => pool.close(),
  }
}
