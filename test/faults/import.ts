import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startMillrace } from '../support/millrace-process.ts'
import { importUnderKills, settledTotals, totalsOfFile } from './import-under-kills.ts'

const PURCHASES = fileURLToPath(new URL('../../examples/cdnow/cdnow-orders.csv', import.meta.url))

export const importCampaign = async (kills: number, print: (line: string) => void): Promise<boolean> => {
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
