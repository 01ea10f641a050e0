// A process of its own for `bench query`: the read models on Express and the driver alone. Prints its URL.

import express from 'express'
import type { Document } from '@millrace/domain'
import { listen } from '@millrace/runtime'
import { connectBareMongo } from './bare-commits.ts'
import { projectionNamed } from './projection-run.ts'
import type { BenchServers } from './servers.ts'

const { merge } = projectionNamed('customer-dashboard')

const serve = async ({ mongo, database }: BenchServers) => {
  const { collection } = await connectBareMongo(mongo)
  const summaries = collection(database, 'readModel.order-summary.v1')
  const dashboards = collection(database, 'readModel.customer-dashboard.v1')
  const app = express()
  app.get('/one/:id', async (request, response) => {
    response.json(await summaries.findOne({ _id: `demo/${request.params.id}` }))
  })
  app.get('/grouped/:id', async (request, response) => {
    const prefix = `demo/${request.params.id}`
    const partials = await dashboards.find({ _id: { $gt: `${prefix}/`, $lt: `${prefix}0` } }).toArray()
    response.json(partials.map((partial) => partial as unknown as Document).reduce(merge))
  })
  app.get('/list/:limit', async (request, response) => {
    const limit = Number(request.params.limit)
    const items = await summaries.find({ _tenant: 'demo' }).sort({ _id: 1 }).limit(limit).toArray()
    response.json({ items })
  })
  return app
}

const app = await serve(JSON.parse(process.argv[2] ?? '{}') as BenchServers)
const listening = await listen(app, { host: '127.0.0.1', port: 0 })
process.stdout.write(`${listening.url}\n`)
