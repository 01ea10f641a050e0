// npm run bench -- NAME [--json] [--rounds N] [--n N]
// Every figure is a ratio to a calibration of the same run, measured in turn (A B A B …), medians of all rounds.

import { parseArgs } from 'node:util'
import { benchAppend } from './append.ts'
import { benchCommands } from './commands.ts'
import { benchLoad } from './load.ts'
import type { Bench, BenchLine } from './measure.ts'
import { benchProject } from './project.ts'
import { benchRelay } from './relay.ts'
import { withBenchServers } from './servers.ts'

const benches: Readonly<Record<string, Bench>> = {
  commands: benchCommands,
  append: benchAppend,
  relay: benchRelay,
  project: benchProject,
  load: benchLoad,
}

const round = (value: number): number => Number(value.toPrecision(4))

const printText = (line: BenchLine): void => {
  const { name, question, rate, calibration, ratio, of } = line
  process.stdout.write(
    `${name} ${question}: ${round(rate)}/s, ${round(ratio)} of ${of} (${round(calibration)}/s)\n`,
  )
}

const printJson = (line: BenchLine): void => {
  const rounded = {
    ...line,
    seconds: round(line.seconds),
    rate: round(line.rate),
    calibration: round(line.calibration),
    ratio: round(line.ratio),
  }
  process.stdout.write(`${JSON.stringify(rounded)}\n`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    n: { type: 'string' },
  },
})
const name = positionals[0] ?? ''
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
const settings = {
  rounds: Number(values.rounds),
  n: values.n === undefined ? undefined : Number(values.n),
}
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1
if (bench && isCount(settings.rounds) && isCount(settings.n ?? 1)) {
  await withBenchServers(async (servers) => {
    for (const line of await bench(servers, settings)) (values.json ? printJson : printText)(line)
  })
} else {
  process.stderr.write(
    `usage: npm run bench -- ${Object.keys(benches).join('|')} [--json] [--rounds 5] [--n N]\n`,
  )
  process.exitCode = 2
}
