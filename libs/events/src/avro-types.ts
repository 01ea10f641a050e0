import avro from 'avsc'

/**
 * avsc types as the wire codec needs them. They differ from the stock ones in four ways:
 *
 * - Decoded records are plain objects (their prototype is Object.prototype), so that they compare, clone and
 *   store like object literals.
 * - The count of an array is checked against the bytes that are left. avsc believes it, so a few corrupt bytes
 *   would allocate or loop for billions of items before the truncation is noticed. Maps have the same hole and
 *   are refused.
 * - Longs go from -2^52 to 2^53 - 2. Below that avsc loses the last bit and writes another number, sign included.
 * - Strings with lone surrogates are invalid: UTF-8 cannot carry them, the log would differ from what was decided.
 */
export const compileType = (schema: unknown): avro.Type => {
  const registry: Record<string, avro.Type> = {}
  const type = avro.Type.forSchema(schema as avro.Type, {
    registry,
    omitRecordMethods: true,
    wrapUnions: 'never',
    typeHook: chooseType,
  })
  for (const named of Object.values(registry)) {
    if (named instanceof avro.types.RecordType) makePlain(named.recordConstructor as { prototype: object })
  }
  return type
}

const makePlain = (recordConstructor: { prototype: object }): void => {
  recordConstructor.prototype = Object.prototype
}

type Tap = { pos: number; readonly buf: Buffer; readLong(): number; skipLong(): void }
type Reader = { _read(tap: Tap): unknown; _skip(tap: Tap): void }
type ForSchemaOptions = NonNullable<Parameters<typeof avro.Type.forSchema>[1]>

const chooseType = (schema: unknown, options: ForSchemaOptions): avro.Type | undefined => {
  if (schema === 'string') return wellFormedString
  if (schema === 'long') return exactLong
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return undefined
  switch (schema.type) {
    case 'string':
      return wellFormedString
    case 'long':
      return exactLong
    case 'array':
      return new BoundedArrayType(schema as unknown as avro.Type, options)
    case 'map':
      throw new Error('maps are not supported: use an array of records')
    default:
      return undefined
  }
}

class BoundedArrayType extends avro.types.ArrayType {
  // avsc's resolvers borrow this method, so `this` may be a resolver; both have itemsType.
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as Reader
    const values: unknown[] = []
    for (let count = readCount(tap); count > 0; count = readCount(tap)) {
      for (let i = 0; i < count; i++) values.push(items._read(tap))
    }
    return values
  }

  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as Reader
    for (let count = readCount(tap); count > 0; count = readCount(tap)) {
      for (let i = 0; i < count; i++) items._skip(tap)
    }
  }
}

type ErrorHook = (value: unknown, type: avro.Type) => void

class WellFormedStringType extends avro.types.StringType {
  _check(value: unknown, _flags: unknown, hook?: ErrorHook): boolean {
    const isValid = typeof value === 'string' && value.isWellFormed()
    if (!isValid) hook?.(value, this)
    return isValid
  }
}

class ExactLongType extends avro.types.LongType {
  _check(value: unknown, _flags: unknown, hook?: ErrorHook): boolean {
    const isValid = Number.isInteger(value) && (value as number) >= minLong && (value as number) <= MAX_LONG
    if (!isValid) hook?.(value, this)
    return isValid
  }
}

const minLong = -(2 ** 52)
/** The largest whole number that an event can have. */
export const MAX_LONG = 2 ** 53 - 2

const wellFormedString = new WellFormedStringType()
const exactLong = new ExactLongType()

/** Number of items in the next block; every item takes at least one byte. */
const readCount = (tap: Tap): number => {
  const signed = tap.readLong()
  if (signed === 0) return 0
  // A negative count announces the block's length in bytes, which decoding does not need.
  if (signed < 0) tap.skipLong()
  const count = Math.abs(signed)
  const left = tap.buf.length - tap.pos
  if (!(count <= left)) throw new Error(`an array of ${count} items cannot fit into ${left} bytes`)
  return count
}
