import { problems, type TokenSigner } from '@millrace/runtime'
import { z } from 'zod'

/** What a cursor is of: no other tenant, list or question takes it. */
export type CursorScope = {
  readonly tenant: string
  /** `list` or `why`. */
  readonly kind: string
  /** Everything that was asked for but the cursor and the size of the page. */
  readonly shape: string
}

export type Cursors<Place> = {
  /** Where to go on; undefined without a token. 400 for one that was not given for this scope. */
  open(scope: CursorScope, token: string | undefined): OpenCursor<Place> | undefined
  next(scope: CursorScope, build: string, place: Place): string
}

export type OpenCursor<Place> = {
  /** 410 when another build is served now: its order and its documents are others. */
  placeIn(build: string): Place
}

const content = z.object({ build: z.string(), place: z.unknown() })

/** Signed; the build is inside, so that a cursor of a former one is told from one that was never given. */
export const makeCursors = <Place>(signer: TokenSigner, place: z.ZodType<Place>): Cursors<Place> => {
  const scopeOf = ({ tenant, kind, shape }: CursorScope) => ({ purpose: `cursor ${kind} ${shape}`, tenant })
  return {
    open: (scope, token) => {
      if (token === undefined) return undefined
      const parsed = content.safeParse(signer.verify(scopeOf(scope), token))
      const found = place.safeParse(parsed.data?.place)
      if (!parsed.success || !found.success)
        throw problems.badRequest('the cursor does not belong to this list; start without one')
      return {
        placeIn: (build) => {
          if (parsed.data.build === build) return found.data
          throw problems.gone('the cursor is of a former version of the read model; start without one')
        },
      }
    },
    next: (scope, build, found) => signer.sign(scopeOf(scope), { build, place: found }),
  }
}

/** For the routes that give cursors. */
export const goneProblem = { 410: 'The cursor is of a former version of the read model: start without one.' }
