// npm run faults -- NAME: the long fault campaigns, on real servers. Exit code 1 when a promise was broken.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startMillrace } from '../support/millrace-process.ts'
import { importUnderKills, settledTotals, totalsOfFile } from './import-under-kills.ts'

const PURCHASES = fileURLToPath(new URL('../../examples/cdnow/cdnow-orders.csv', import.meta.url))

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const importCampaign = async (kills: number): Promise<boolean> => {
  const home = await mkdtemp(join(tmpdir(), 'millrace-faults-'))
  const millrace = await startMillrace(home)
  try {
    const result = await importUnderKills({ home, file: PURCHASES, kills })
    print(result.stdout.trim() || result.stderr.trim())
    const expected = await totalsOfFile(PURCHASES)
    const found = await settledTotals(home, expected)
    print(`file:       ${expected.orders} orders, ${expected.cents} cents`)
    print(`read model: ${found.orders} orders, ${found.cents} cents, after ${kills} SIGKILLs of each service`)
    return result.code === 0 && found.orders === expected.orders && found.cents === expected.cents
  } finally {
    await millrace.interrupt()
    await rm(home, { recursive: true, force: true })
  }
}

const campaigns: Readonly<Record<string, (kills: number) => Promise<boolean>>> = { import: importCampaign }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kills: { type: 'string', default: '5' } },
})
const name = positionals[0] ?? ''
const campaign = Object.hasOwn(campaigns, name) ? campaigns[name] : undefined
if (campaign) {
  const held = await campaign(Number(values.kills))
  print(held ? 'held' : 'BROKEN')
  process.exitCode = held ? 0 : 1
} else {
  process.stderr.write(`usage: npm run faults -- ${Object.keys(campaigns).join('|')} [--kills 5]\n`)
  process.exitCode = 2
}
