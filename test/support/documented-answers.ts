// Is an answer one that the service's own OpenAPI document announces? Status, headers, media type and body of every
// answer that a test gets are held against it, so a route whose declaration is not true fails the test that shows it.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { OpenApiDocument } from '@millrace/runtime'
import { findOperation, type Operation } from './find-operation.ts'

export type SentRequest = { readonly method: string; readonly path: string }

export type GivenAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** What the document does not say; empty when the answer is as announced. */
export type DocumentedAnswers = (request: SentRequest, answer: GivenAnswer) => string[]

type Response = OpenApiDocument['components']['responses'][string]
type JsonSchema = OpenApiDocument['components']['schemas'][string]

/** Whatever is asked of a path that is none, or by a method that it does not have. */
const REFUSALS = [401, 404, 405]
const PROBLEM_TYPE = 'application/problem+json'

export const documentedAnswers = (document: OpenApiDocument): DocumentedAnswers => {
  const valueFaults = makeValueFaults(document)

  const bodyFaults = (schema: JsonSchema, type: string, text: string): string[] =>
    valuesOf(type, text).flatMap(({ place, value }) =>
      valueFaults(schema, value).map((fault) => place + fault),
    )

  const contentFaults = ({ content }: Response, answer: GivenAnswer): string[] => {
    if (!content) return answer.text === '' ? [] : ['a body, where none is announced']
    const type = mediaTypeOf(answer)
    const announced = content[type]
    return announced
      ? bodyFaults(announced.schema, type, answer.text)
      : [`content type ${type || 'none'}; announced: ${Object.keys(content).join(', ')}`]
  }

  const announcedFaults = ({ responses }: Operation, method: string, answer: GivenAnswer): string[] => {
    const announced = responses[answer.status]
    if (!announced) return [`status ${answer.status}; announced: ${Object.keys(responses).join(', ')}`]
    const response = '$ref' in announced ? resolve(document, announced.$ref) : announced
    return [...headerFaults(response, answer), ...(method === 'HEAD' ? [] : contentFaults(response, answer))]
  }

  const refusalFaults = (method: string, answer: GivenAnswer): string[] => {
    if (!REFUSALS.includes(answer.status)) return [`status ${answer.status}, on no announced path and method`]
    if (mediaTypeOf(answer) !== PROBLEM_TYPE) return ['no problem document']
    return method === 'HEAD'
      ? []
      : bodyFaults({ $ref: '#/components/schemas/Problem' }, PROBLEM_TYPE, answer.text)
  }

  return (request, answer) => {
    const operation = findOperation(document, request)
    return operation
      ? announcedFaults(operation, request.method, answer)
      : refusalFaults(request.method, answer)
  }
}

const makeValueFaults = ({ components: { schemas } }: OpenApiDocument) => {
  const ajv = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false })
  addFormats.default(ajv)
  ajv.addVocabulary(['components'])
  const validators = new Map<JsonSchema, ValidateFunction>()
  return (schema: JsonSchema, value: unknown): string[] => {
    const validate = validators.get(schema) ?? ajv.compile({ ...schema, components: { schemas } })
    validators.set(schema, validate)
    if (validate(value)) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
    )
  }
}

const resolve = ({ components }: OpenApiDocument, $ref: string): Response => {
  const response = components.responses[$ref.slice('#/components/responses/'.length)]
  if (!response) throw new Error(`the document has no ${$ref}`)
  return response
}

const headerFaults = (response: Response, { headers }: GivenAnswer): string[] =>
  Object.entries(response.headers)
    .filter(([name, { required }]) => required && headers[name.toLowerCase()] === undefined)
    .map(([name]) => `no ${name}, which is announced as always there`)

const mediaTypeOf = ({ headers }: GivenAnswer): string =>
  (String(headers['content-type'] ?? '').split(';')[0] ?? '').trim().toLowerCase()

type Value = { readonly place: string; readonly value: unknown }

const valuesOf = (type: string, text: string): Value[] => {
  if (type !== 'application/x-ndjson') return [{ place: '', value: JSON.parse(text) as unknown }]
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line, index) => ({ place: `line ${index + 1} `, value: JSON.parse(line) as unknown }))
}
