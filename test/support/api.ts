import type { RunFile } from './millrace-process.ts'

export type Answer = { readonly status: number; readonly body: Record<string, unknown> }

const toAnswer = async (response: Response): Promise<Answer> => ({
  status: response.status,
  body: (await response.json()) as Record<string, unknown>,
})

const urlOf = (run: RunFile, service: string): string => {
  const url = run.services[service]?.url
  if (typeof url !== 'string') throw new Error(`${service} has no URL`)
  return url
}

export const sendCommand = async (run: RunFile, path: string, key: string, body: unknown): Promise<Answer> =>
  toAnswer(
    await fetch(new URL(path, urlOf(run, 'command-api')), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': key,
        authorization: `Bearer ${run.token}`,
      },
      body: JSON.stringify(body),
    }),
  )

export const query = async (run: RunFile, path: string): Promise<Answer> =>
  toAnswer(
    await fetch(new URL(path, urlOf(run, 'query-api')), {
      headers: { authorization: `Bearer ${run.token}` },
    }),
  )

type Item = Record<string, unknown>

/** Every document of a read model, page by page. */
export async function* allItems(run: RunFile, name: string): AsyncGenerator<Item> {
  let cursor = ''
  do {
    const { status, body } = await query(run, `/read-models/${name}?limit=200${cursor}`)
    if (status !== 200) throw new Error(`${name} answered ${status}: ${JSON.stringify(body)}`)
    yield* body['items'] as Item[]
    cursor = typeof body['next'] === 'string' ? `&cursor=${body['next']}` : ''
  } while (cursor !== '')
}
