// npm run faults -- NAME: the long fault campaigns, on real servers. Exit code 1 when a promise was broken.

import { parseArgs } from 'node:util'
import { doorCampaign } from './door.ts'
import { importCampaign } from './import.ts'
import { processStateCampaign } from './process-state.ts'
import { projectionsCampaign } from './projections.ts'
import { writeSideCampaign } from './write-side.ts'
import { withUsage } from '../../tools/with-usage.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)

type Options = {
  readonly kills: number
  readonly rounds: number
  readonly examples: number
  readonly seed: number
}

const campaigns: Readonly<Record<string, (options: Options) => Promise<boolean>>> = {
  door: (bounds) => doorCampaign(bounds, print),
  import: ({ kills }) => importCampaign(kills, print),
  'process-state': ({ kills }) => processStateCampaign(kills, print),
  projections: ({ rounds }) => projectionsCampaign(rounds, print),
  'write-side': ({ rounds }) => writeSideCampaign(rounds, print),
}

const usage =
  'npm run faults -- door [--examples 100] [--seed 1] | import [--kills 5] | process-state [--kills 60] | ' +
  'projections [--rounds 4] | write-side [--rounds 10]'

const parse = (): (() => Promise<void>) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kills: { type: 'string' },
      rounds: { type: 'string' },
      examples: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
    },
  })
  const name = positionals[0] ?? ''
  const campaign = Object.hasOwn(campaigns, name) ? campaigns[name] : undefined
  if (!campaign) throw new Error(`there is no campaign ${JSON.stringify(name)}`)
  const options = {
    kills: Number(values.kills ?? (name === 'process-state' ? 60 : 5)),
    rounds: Number(values.rounds ?? (name === 'projections' ? 4 : 10)),
    examples: Number(values.examples),
    seed: Number(values.seed),
  }
  if (!Object.values(options).every((count) => Number.isInteger(count) && count > 0))
    throw new Error('all counts are whole numbers from 1')
  return async () => {
    const held = await campaign(options)
    print(held ? 'held' : 'BROKEN')
    process.exitCode = held ? 0 : 1
  }
}

await withUsage({ usage, parse })
