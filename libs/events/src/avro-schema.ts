/** The part of Avro that schemas here may use: records, enums, arrays, primitives, and unions of null and one type. */
export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string'

export type AvroField = {
  readonly name: string
  readonly type: AvroType
  readonly doc: string
  readonly default?: unknown
}

export type AvroRecord = {
  readonly type: 'record'
  readonly name: string
  readonly namespace: string
  readonly doc: string
  readonly fields: readonly AvroField[]
}

export type AvroEnum = {
  readonly type: 'enum'
  readonly name: string
  readonly namespace: string
  readonly doc: string
  readonly symbols: readonly string[]
  readonly default?: string
}

export type AvroArray = { readonly type: 'array'; readonly items: AvroType }
export type NamedSchema = AvroRecord | AvroEnum

/** A string is a primitive or the full name of a record or enum. */
export type AvroType = string | AvroArray | NamedSchema | readonly AvroType[]

const primitives: ReadonlySet<string> = new Set<AvroPrimitive>([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'string',
])

export const isPrimitive = (name: string): name is AvroPrimitive => primitives.has(name)

export const fullNameOf = ({ namespace, name }: NamedSchema): string => `${namespace}.${name}`

export const isUnion = (type: AvroType): type is readonly AvroType[] => Array.isArray(type)

/** Full names that a type refers to, in the order of their appearance. */
export const referencesOf = (type: AvroType): readonly string[] => {
  if (typeof type === 'string') return isPrimitive(type) ? [] : [type]
  if (isUnion(type)) return type.flatMap(referencesOf)
  switch (type.type) {
    case 'array':
      return referencesOf(type.items)
    case 'record':
      return type.fields.flatMap((field) => referencesOf(field.type))
    case 'enum':
      return []
  }
}
