import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { parseQuery } from '../../src/http/parse-query.ts'
import { ProblemError } from '../../src/http/problem.ts'

const schema = z.strictObject({
  count: z
    .string()
    .regex(/^[1-9]$/, 'must be 1 to 9')
    .default('5')
    .transform(Number),
  from: z.string().optional(),
})

const parse = (text: string) => parseQuery(schema, new URLSearchParams(text))
const refusalOf = (text: string): unknown => {
  try {
    return parse(text)
  } catch (error) {
    return error instanceof ProblemError ? error.problem : error
  }
}

describe('the parameters of a query', () => {
  it('are what the schema makes of them', () => {
    expect(parse('')).toEqual({ count: 5 })
    expect(parse('from=a%2Bb&count=7')).toEqual({ count: 7, from: 'a+b' })
  })

  it.each([
    ['count=0', 'count: must be 1 to 9'],
    ['count=', 'count: must be 1 to 9'],
    ['count=1&count=1', 'the parameter "count" may be given once'],
    ['limit=1', 'there is no parameter "limit" here'],
    ['__proto__=1', 'there is no parameter "__proto__" here'],
    ['constructor=1', 'there is no parameter "constructor" here'],
    ['=1', 'there is no parameter "" here'],
  ])('%s is a bad request', (text, detail) => {
    expect(refusalOf(text)).toMatchObject({ status: 400, type: 'bad-request', detail })
  })

  it('are 64 at most, whatever they are called', () => {
    const named = (count: number): string =>
      Array.from({ length: count }, (_, index) => `n${index}`).join('&')
    const tooMany = { status: 400, detail: 'there may be 64 parameters at most' }
    expect(refusalOf(named(64))).toMatchObject({ detail: 'there is no parameter "n0" here' })
    expect(refusalOf(named(65))).toMatchObject(tooMany)
    expect(refusalOf('count=1&'.repeat(65))).toMatchObject(tooMany)
    expect(refusalOf(named(4_000))).toMatchObject(tooMany)
  })
})
