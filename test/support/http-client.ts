import { Pool } from 'undici'
import type { OpenApiDocument } from '@millrace/runtime'
import { documentedAnswers, type DocumentedAnswers } from './documented-answers.ts'

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
  /** Rejects when the answer is none that the service's own /openapi.json announces. */
  send(request: HttpRequest): Promise<HttpAnswer>
  close(): Promise<void>
}

const DOCUMENT = '/openapi.json'
const MAX_SHOWN = 500

const sendBy = async (
  pool: Pool,
  { method = 'GET', path, headers = {}, body }: HttpRequest,
): Promise<HttpAnswer> => {
  const response = await pool.request({ method, path, headers, body: body ?? null })
  const text = await response.body.text()
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    json: () => JSON.parse(text) as Record<string, unknown>,
  }
}

const isOfViewer = (path: string): boolean => path === DOCUMENT || /^\/docs(?:$|\/)/.test(path)

export const httpClient = (url: string): HttpClient => {
  const pool = new Pool(url)
  let documented: DocumentedAnswers | undefined

  const loadDocument = async (): Promise<DocumentedAnswers> => {
    const { status, text } = await sendBy(pool, { path: DOCUMENT })
    if (status !== 200) throw new Error(`${url}${DOCUMENT} was answered with ${status}`)
    return documentedAnswers(JSON.parse(text) as OpenApiDocument)
  }

  const check = async ({ method = 'GET', path }: HttpRequest, answer: HttpAnswer): Promise<void> => {
    documented ??= await loadDocument()
    const faults = documented({ method, path }, answer)
    if (faults.length === 0) return
    const shown = answer.text.length > MAX_SHOWN ? `${answer.text.slice(0, MAX_SHOWN)}…` : answer.text
    throw new Error(
      [
        `${method} ${path} was answered ${answer.status} with what ${DOCUMENT} does not say:`,
        ...faults.map((fault) => `  ${fault}`),
        `  ${shown}`,
      ].join('\n'),
    )
  }

  return {
    send: async (request) => {
      const answer = await sendBy(pool, request)
      if (!isOfViewer(request.path)) await check(request, answer)
      return answer
    },
    close: () => pool.close(),
  }
}
