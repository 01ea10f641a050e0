import type { RegisteredSchema, SchemaRegistry } from './schema-registry.ts'

/** A registry without a server, for unit tests: the same schema has one id, and compatibility is not checked. */
export const makeInMemoryRegistry = (): SchemaRegistry => {
  const idByText = new Map<string, number>()
  const textById = new Map<number, string>()
  const subjects = new Map<string, Set<number>>()

  const register: SchemaRegistry['register'] = async (subject, schema) => {
    const text = JSON.stringify(schema)
    const id = idByText.get(text) ?? idByText.size + 1
    idByText.set(text, id)
    textById.set(id, text)
    subjects.set(subject, (subjects.get(subject) ?? new Set()).add(id))
    return id
  }
  return {
    register,
    setFullTransitive: async () => {},
    idOf: async (subject, schema) => {
      const id = idByText.get(JSON.stringify(schema))
      return id !== undefined && subjects.get(subject)?.has(id) === true ? id : null
    },
    schemaOf: async (id): Promise<RegisteredSchema | null> => {
      const text = textById.get(id)
      return text === undefined ? null : { format: 'AVRO', text }
    },
  }
}
