import { expect } from '@jest/globals'
import type { HttpAnswer } from '../http-client.ts'
import type { Expected } from './bad-input.ts'

/** A stack, a path of the code, what is behind the service. */
const INSIDE = /node_modules|\.[cm]?[jt]s:\d|\bat \w+ \(|Mongo|Kafka|mongodb:/
const MAX_PROBLEM_BYTES = 64 * 1024

const expectHeaders = ({ headers }: HttpAnswer, expected: NonNullable<Expected['headers']>): void => {
  for (const [name, value] of Object.entries(expected)) {
    const given = headers[name]
    if (value === null) expect([name, given]).toEqual([name, undefined])
    else if (typeof value === 'string') expect([name, given]).toEqual([name, value])
    else expect([name, given]).toEqual([name, expect.stringMatching(value)])
  }
}

const expectProblem = (answer: HttpAnswer, { status, detail, pointer }: Expected): void => {
  expect(answer.headers['content-type']).toBe('application/problem+json')
  const problem = answer.json()
  expect(problem).toMatchObject({
    status,
    type: expect.stringMatching(/^https:\/\/millrace\.dev\/problems\/[a-z-]+$/),
    title: expect.any(String),
    detail: expect.any(String),
    instance: `urn:request:${String(answer.headers['x-request-id'])}`,
  })
  if (detail) expect(problem['detail']).toMatch(detail)
  if (pointer !== undefined)
    expect(problem).toMatchObject({ errors: expect.arrayContaining([expect.objectContaining({ pointer })]) })
  expect(answer.text.length).toBeLessThan(MAX_PROBLEM_BYTES)
}

/** The one that is expected, and what holds for every answer. */
export const expectAnswer = (
  answer: HttpAnswer,
  { expected, secrets }: { expected: Expected; secrets: readonly string[] },
): void => {
  expect([answer.status, answer.text]).toEqual([expected.status, answer.text])
  expect(answer.headers['x-request-id']).toMatch(/^[\w.:-]{1,128}$/)
  expect(answer.headers['x-content-type-options']).toBe('nosniff')
  expectHeaders(answer, expected.headers ?? {})
  if (expected.status >= 400) expectProblem(answer, expected)
  const said = JSON.stringify(answer.headers) + answer.text
  expect(said).not.toMatch(INSIDE)
  for (const secret of secrets) expect(said).not.toContain(secret)
}
