import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { configSchema as cli, ROOT } from '../../cli/src/config.ts'
import { configSchema as changefeed } from '../../services/changefeed/src/config.ts'
import { configSchema as commandApi } from '../../services/command-api/src/config.ts'
import { configSchema as compactor } from '../../services/compactor/src/config.ts'
import { configSchema as ops } from '../../services/ops/src/config.ts'
import { configSchema as projector } from '../../services/projector/src/config.ts'
import { configSchema as queryApi } from '../../services/query-api/src/config.ts'

const SCHEMAS = {
  ...{ 'command-api': commandApi, 'query-api': queryApi, projector, compactor, changefeed, ops, cli },
}
const SHORT: Readonly<Record<string, string>> = {
  all: 'command-api, query-api, projector, compactor, changefeed, ops',
  HTTP: 'command-api, query-api, ops',
}

const page = readFileSync(`${ROOT}docs/configuration.md`, 'utf8')
/** Cells of the rows that begin with a variable. */
const rows = [...page.matchAll(/^\| `([A-Z_]+)` *\|([^|]+)\|([^|]+)\|([^|]+)\|$/gm)].map((match) =>
  match.slice(1).map((cell) => cell.trim()),
)

/** `service VARIABLE = default`, as the page says it. */
const documented = (): string[] =>
  rows.flatMap(([variable = '', services = '', value = '']) =>
    (SHORT[services] ?? services)
      .split(', ')
      .map((service) => `${service} ${variable} = ${value.replaceAll('`', '')}`),
  )

type Value = string | number | readonly string[] | undefined

/** As the environment would have to say it: a default that is only there after parsing is a list. */
const defaultOf = (schema: z.ZodObject, variable: string): string => {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' })
  if (required.includes(variable)) return 'required'
  const written = properties[variable] as { default?: Value } | undefined
  const parsed = z.safeParse(schema.shape[variable] ?? z.never(), undefined).data as Value
  const value = written?.default ?? parsed
  return String(value ?? 'none').replace(ROOT, '')
}

const read = (): string[] =>
  Object.entries(SCHEMAS).flatMap(([service, schema]) =>
    Object.keys(schema.shape).map((variable) => `${service} ${variable} = ${defaultOf(schema, variable)}`),
  )

describe('docs/configuration.md', () => {
  it('has every variable of every service with its default, and no other', () => {
    expect(documented().toSorted()).toEqual(read().toSorted())
  })

  it('says what each of them means', () => {
    expect(rows.filter(([, , , meaning = '']) => meaning === '')).toEqual([])
  })
})
