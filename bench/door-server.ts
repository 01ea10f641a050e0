// A process of its own for `bench door`: the same handler behind the door, or on Express alone. Prints its URL.

import express from 'express'
import { idField, orders } from '@millrace/domain'
import {
  createMetrics,
  defineRoute,
  listen,
  openDoor,
  silentLogger,
  toOpenApi,
  writeScope,
} from '@millrace/runtime'
import { z } from 'zod'
import { doorConfig } from './door-identity.ts'

const answerTo = (id: string, body: { readonly lines: readonly unknown[] }) => ({
  stream: `orders.order-${id}`,
  version: 1,
  lines: body.lines.length,
})

const behindTheDoor = () => {
  const metrics = createMetrics('bench')
  const route = defineRoute({
    method: 'post',
    path: '/orders/:id/place',
    operation: 'placeOrder',
    summary: 'The handler that is measured',
    scope: writeScope('orders'),
    params: z.strictObject({ id: idField }),
    headers: z.object({ 'idempotency-key': z.string() }),
    body: { schema: orders.commands.place },
    replies: {},
    handle: ({ params, body }) => ({ status: 200, body: answerTo(params.id, body) }),
  })
  const context = { config: doorConfig, logger: silentLogger, metrics, onStop: () => undefined }
  return openDoor(context, {
    routes: [route],
    document: toOpenApi({ title: 'Bench', version: '1', description: '', routes: [route] }),
  }).handler
}

const onExpressAlone = () => {
  const app = express()
  app.post('/orders/:id/place', express.json(), (request, response) => {
    response.json(answerTo(request.params.id, request.body as { lines: unknown[] }))
  })
  return app
}

const listening = await listen(process.argv[2] === 'door' ? behindTheDoor() : onExpressAlone(), {
  host: '127.0.0.1',
  port: 0,
})
process.stdout.write(`${listening.url}\n`)
