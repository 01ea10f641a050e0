// npm run bench -- NAME [--json] [--rounds N] [--n N]
// Every figure is a ratio to a calibration of the same run, measured in turn (A B A B …), medians of all rounds.

import { parseArgs } from 'node:util'
import { benchAppend } from './append.ts'
import { benchCommands } from './commands.ts'
import { benchDoor } from './door.ts'
import { benchLoad } from './load.ts'
import type { Bench, BenchLine, BenchSettings } from './measure.ts'
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

/** Those that need no Kafka and no MongoDB. */
const bareBenches: Readonly<Record<string, (settings: BenchSettings) => Promise<BenchLine[]>>> = {
  door: benchDoor,
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
const settings = {
  rounds: Number(values.rounds),
  n: values.n === undefined ? undefined : Number(values.n),
}
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1
const areSettings = isCount(settings.rounds) && isCount(settings.n ?? 1)

const print = (lines: readonly BenchLine[]): void => lines.forEach(values.json ? printJson : printText)

const ofName = <Found>(found: Readonly<Record<string, Found>>): Found | undefined =>
  areSettings && Object.hasOwn(found, name) ? found[name] : undefined

const bare = ofName(bareBenches)
const bench = ofName(benches)
if (bare) print(await bare(settings))
else if (bench) await withBenchServers(async (servers) => print(await bench(servers, settings)))
else {
  const names = [...Object.keys(benches), ...Object.keys(bareBenches)].join('|')
  process.stderr.write(`usage: npm run bench -- ${names} [--json] [--rounds 5] [--n N]\n`)
  process.exitCode = 2
}
