import { z } from 'zod'

export type WholeNumberBounds = {
  readonly min: number
  /** Below 10^15. */
  readonly max: number
}

/** A whole number of a query: text in a URL, a number to the handler and in OpenAPI. */
export const wholeNumber = ({ min, max }: WholeNumberBounds) => {
  const message = `must be a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^(?:0|[1-9]\d{0,14})$/, { error: message, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .meta({ type: 'integer', minimum: min, maximum: max })
}

/** The same, and `fallback` where there is none. */
export const wholeNumberOr = (fallback: number, bounds: WholeNumberBounds) =>
  wholeNumber(bounds).default(fallback).meta({ default: fallback })
