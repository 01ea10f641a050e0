import { expect, it } from '@jest/globals'
import type { z } from 'zod'

type Table = {
  readonly accepts: Readonly<Record<string, unknown>>
  readonly rejects: Readonly<Record<string, unknown>>
}

/** One test per row of a table of bodies, named after what is special about it. */
export const testBodies = (schema: z.ZodType, { accepts, rejects }: Table): void => {
  for (const [what, body] of Object.entries(accepts)) {
    it(`accepts ${what}`, () => expect(schema.safeParse(body).error?.issues).toBeUndefined())
  }
  for (const [what, body] of Object.entries(rejects)) {
    it(`rejects ${what}`, () => expect(schema.safeParse(body).success).toBe(false))
  }
}
