// npm run bench -- NAME [--json] [--rounds N] [--n N] [--question QUESTION]…
// Every figure is a ratio to a calibration of the same run, measured in turn (A B A B …), medians of all rounds.

import { parseArgs } from 'node:util'
import { benchAppend } from './append.ts'
import { benchChangefeed } from './changefeed.ts'
import { benchCommands } from './commands.ts'
import { benchCompact } from './compact.ts'
import { benchDoor } from './door.ts'
import { benchEndToEnd } from './end-to-end.ts'
import { benchHeartbeats } from './heartbeats.ts'
import { benchLoad } from './load.ts'
import type { Bench, BenchLine, BenchSettings } from './measure.ts'
import { benchProject } from './project.ts'
import { benchQuery } from './query.ts'
import { benchRebuild } from './rebuild.ts'
import { benchRelay } from './relay.ts'
import { withBenchServers } from './servers.ts'
import { benchState } from './state.ts'
import { withUsage } from '../tools/with-usage.ts'

const benches: Readonly<Record<string, Bench>> = {
  commands: benchCommands,
  append: benchAppend,
  relay: benchRelay,
  project: benchProject,
  rebuild: benchRebuild,
  query: benchQuery,
  'end-to-end': benchEndToEnd,
  load: benchLoad,
  heartbeats: benchHeartbeats,
  state: benchState,
  compact: benchCompact,
  changefeed: benchChangefeed,
}

/** Those that need no Kafka and no MongoDB. */
const bareBenches: Readonly<Record<string, (settings: BenchSettings) => Promise<BenchLine[]>>> = {
  door: benchDoor,
}

const EXTRAS = ['p50Ms', 'p99Ms', 'maxMs', 'rssMiB'] as const

const round = (value: number): number => Number(value.toPrecision(4))

const printText = (line: BenchLine): void => {
  const { name, question, rate, calibration, ratio, of } = line
  const more = EXTRAS.flatMap((extra) =>
    line[extra] === undefined ? [] : [`, ${extra} ${round(line[extra])}`],
  )
  process.stdout.write(
    `${name} ${question}: ${round(rate)}/s, ${round(ratio)} of ${of} (${round(calibration)}/s)${more.join('')}\n`,
  )
}

const printJson = (line: BenchLine): void => {
  const rounded = (member: string, value: unknown): unknown =>
    typeof value === 'number' && member !== 'n' ? round(value) : value
  process.stdout.write(`${JSON.stringify(line, rounded)}\n`)
}

const names = [...Object.keys(benches), ...Object.keys(bareBenches)].join('|')
const usage = `npm run bench -- ${names} [--json] [--rounds 5] [--n N] [--question Q]`

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1

const parse = (): (() => Promise<void>) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      n: { type: 'string' },
      question: { type: 'string', multiple: true, default: [] },
    },
  })
  const settings = {
    rounds: Number(values.rounds),
    n: values.n === undefined ? undefined : Number(values.n),
    questions: values.question,
  }
  if (!isCount(settings.rounds) || !isCount(settings.n ?? 1))
    throw new Error('--rounds and --n are whole numbers from 1')
  const name = positionals[0] ?? ''
  const print = (lines: readonly BenchLine[]): void => lines.forEach(values.json ? printJson : printText)
  const ofName = <Found>(found: Readonly<Record<string, Found>>): Found | undefined =>
    Object.hasOwn(found, name) ? found[name] : undefined
  const bare = ofName(bareBenches)
  if (bare) return async () => print(await bare(settings))
  const bench = ofName(benches)
  if (bench) return () => withBenchServers(async (servers) => print(await bench(servers, settings)))
  throw new Error(`there is no bench ${JSON.stringify(name)}`)
}

await withUsage({ usage, parse })
