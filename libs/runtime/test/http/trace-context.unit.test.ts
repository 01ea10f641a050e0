import { describe, expect, it } from '@jest/globals'
import {
  newTraceparent,
  parseTraceContext,
  parseTraceparent,
  parseTracestate,
} from '../../src/http/trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const GOOD = `00-${TRACE}-${PARENT}-01`

describe('a traceparent', () => {
  it('is kept as it is', () => {
    expect(parseTraceparent(GOOD)).toBe(GOOD)
  })

  it('of a later version is read as far as it is known', () => {
    expect(parseTraceparent(`01-${TRACE}-${PARENT}-01`)).toBe(GOOD)
    expect(parseTraceparent(`cc-${TRACE}-${PARENT}-01-what-comes`)).toBe(GOOD)
  })

  it.each([
    ...[
      undefined,
      '',
      'x',
      `ff-${TRACE}-${PARENT}-01`,
      `00-${TRACE}-${PARENT}-01-more`,
      `00-${TRACE}-${PARENT}`,
    ],
    ...[
      `00-${TRACE.toUpperCase()}-${PARENT}-01`,
      `00-${'0'.repeat(32)}-${PARENT}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
    ],
    ...[
      `00-${TRACE.replace('4', 'g')}-${PARENT}-01`,
      ` ${GOOD}`,
      `${GOOD},${GOOD}`,
      `01-${TRACE}-${PARENT}-01x`,
    ],
    ...[`01-${TRACE}-${PARENT}-01-${'x'.repeat(100_000)}`],
  ])('that is malformed or endless is ignored: %.80j', (given) => {
    expect(parseTraceparent(given)).toBeUndefined()
  })

  it('that is new belongs to a trace of its own', () => {
    expect(parseTraceparent(newTraceparent())).toMatch(/^00-/)
    expect(newTraceparent()).not.toBe(newTraceparent())
  })
})

describe('a tracestate', () => {
  it.each([
    'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    'a=1, b=2 ,c=x y',
    'fw529a3039@dt=FfAAAA;-/',
    'a=1,,b=2',
  ])('%j is kept', (given) => {
    expect(parseTracestate(given)).toBe(given)
  })

  it.each([
    ...[undefined, '', 'a', 'A=1', 'a=', 'a=b=c', 'a=\u0007', 'a=ä', `a=${'x'.repeat(100_000)}`],
    Array.from({ length: 33 }, (_, index) => `k${index}=1`).join(),
  ])('%.80j is ignored', (given) => {
    expect(parseTracestate(given)).toBeUndefined()
  })
})

describe('a trace context', () => {
  it('has a state only with a parent, and a parent without a bad state', () => {
    expect(parseTraceContext({ traceparent: GOOD, tracestate: 'a=1' })).toEqual({
      traceparent: GOOD,
      tracestate: 'a=1',
    })
    expect(parseTraceContext({ traceparent: GOOD, tracestate: 'A' })).toEqual({ traceparent: GOOD })
    expect(parseTraceContext({ tracestate: 'a=1' })).toBeUndefined()
    expect(parseTraceContext({ traceparent: [GOOD, GOOD] })).toBeUndefined()
    expect(parseTraceContext({ traceparent: GOOD, tracestate: ['a=1', 'b=2'] })).toMatchObject({
      tracestate: 'a=1,b=2',
    })
  })
})
