import { eventually } from '@millrace/testkit'

/** Tokens of what was written, by the names that schemathesis.toml has for them. */
export type KnownData = { readonly KNOWN_POSITION: string; readonly KNOWN_LOG_POSITION: string }

type Urls = { readonly commandApi: string; readonly queryApi: string; readonly token: string }

const PLACE = { customerId: 'c-1', currency: 'EUR', lines: [{ productId: 'known', quantity: 1, amount: 5 }] }
const ADD = { name: 'Mill', category: 'machines', price: { amount: 5, currency: 'EUR' } }

/** An order, a product and their read models: `known` in schemathesis.toml. */
export const writeKnownData = async ({ commandApi, queryApi, token }: Urls): Promise<KnownData> => {
  const authorization = `Bearer ${token}`

  const command = async (path: string, body: object): Promise<string> => {
    const response = await fetch(`${commandApi}${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'idempotency-key': path },
      body: JSON.stringify(body),
    })
    const { position } = (await response.json()) as { position?: string }
    if (position === undefined) throw new Error(`${path} was answered with ${response.status}`)
    return position
  }

  const get = async (url: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(url, { headers: { authorization } })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  await command('/products/known/add', ADD)
  const position = await command('/orders/known/place', PLACE)
  const document = `${queryApi}/read-models/order-summary/known?after=${encodeURIComponent(position)}`
  await eventually(
    () => get(document),
    ({ status }) => status === 200,
  )
  const { body } = await get(`${commandApi}/streams/$all?count=1`)
  return { KNOWN_POSITION: position, KNOWN_LOG_POSITION: String(body['next']) }
}
