import avro from 'avsc'

/** `path` leads from the data's root to the field, for example lines.0.quantity; empty for the data itself. */
export type DataFault = { readonly path: string; readonly message: string }

/** The first fault of data that is not valid; validates again, slowly. */
export const describeFault = (avroType: avro.Type, data: unknown): DataFault => {
  let fault: { path: string; problem: string } | undefined
  const errorHook = (path: string[], value: unknown, expected: avro.Type): void => {
    fault ??= faultOf(path, value, expected)
  }
  avroType.isValid(data, { noUndeclaredFields: true, errorHook })
  const { path, problem } = fault ?? { path: '', problem: 'is invalid' }
  return { path, message: `${path === '' ? 'data' : `data.${path}`} ${problem}` }
}

const faultOf = (path: readonly string[], value: unknown, expected: avro.Type) => {
  const undeclared = undeclaredField(value, expected)
  return undeclared === undefined
    ? {
        path: path.join('.'),
        problem: `is ${describeValue(value)}, no valid ${nameOf(expected)}`,
      }
    : { path: [...path, undeclared].join('.'), problem: 'is not declared in the schema' }
}

const nameOf = (type: avro.Type): string =>
  type instanceof avro.types.UnwrappedUnionType
    ? type.types.map(nameOf).join(' or ')
    : (type.branchName ?? type.typeName)

const undeclaredField = (value: unknown, expected: avro.Type): string | undefined => {
  if (!(expected instanceof avro.types.RecordType) || typeof value !== 'object' || value === null)
    return undefined
  const declared = new Set(expected.fields.map((field) => field.name))
  return Object.keys(value).find((name) => !declared.has(name))
}

// Errors are logged, and data may be private: the kind of a value says enough.
const describeValue = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number')
    return Number.isInteger(value) ? 'a whole number' : 'a number with a fraction'
  if (typeof value === 'string' && !value.isWellFormed()) return 'a string with a lone surrogate'
  return typeof value === 'undefined' ? 'missing' : `a ${typeof value}`
}
