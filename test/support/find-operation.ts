import type { OpenApiDocument } from '@millrace/runtime'

export type Operation = OpenApiDocument['paths'][string][string]

/** The operation of the document that a request is for; undefined for none. GET answers HEAD too. */
export const findOperation = (
  { paths }: OpenApiDocument,
  request: { readonly method: string; readonly path: string },
): Operation | undefined => {
  const segments = segmentsOf(request.path)
  const method = request.method === 'HEAD' ? 'get' : request.method.toLowerCase()
  // A template without parameters comes before one with (OpenAPI 3.1, 4.8.8).
  const templates = Object.keys(paths).toSorted((left, right) => parametersIn(left) - parametersIn(right))
  for (const template of templates) {
    const operation = paths[template]?.[method]
    if (operation && fits(template, segments)) return operation
  }
  return undefined
}

const segmentsOf = (path: string): string[] => (path.split('?')[0] ?? '').split('/').map(decode)

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const parametersIn = (template: string): number => template.split('{').length

const fits = (template: string, segments: readonly string[]): boolean => {
  const parts = template.split('/')
  return (
    parts.length === segments.length &&
    parts.every((part, index) => (part.startsWith('{') ? segments[index] !== '' : part === segments[index]))
  )
}
