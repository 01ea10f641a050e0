import { isFed, type AnyProjection, type ProjectionCode } from '@millrace/domain'
import type { Build, BuildRegistry, Builds } from '@millrace/mongo'
import { problems } from '@millrace/runtime'

export type FindDeps = { readonly registry: BuildRegistry; readonly code: ProjectionCode }

export type Role = 'served' | 'previous' | 'next'

/** Throws a problem for a name that there is not, and for an inline one, which has no builds. */
export const codeNamed = ({ code }: Pick<FindDeps, 'code'>, name: string): AnyProjection => {
  const projection = code.newest(name)
  if (!projection) throw problems.notFound(`there is no projection ${JSON.stringify(name)}`)
  if (isFed(projection)) return projection
  throw problems.conflict(
    projection.kind === 'inline'
      ? `${name} is inline: it changes with the commits, and \`millrace setup\` builds it`
      : `${name} is folded on demand: there is nothing to build`,
  )
}

export const known = async (deps: FindDeps, name: string): Promise<Builds> => {
  const builds = await deps.registry.read(codeNamed(deps, name).name)
  if (builds) return builds
  throw problems.notFound(`${name} is not registered yet: start a projector, or POST /projections`)
}

export const roleOf = ({ served, previous }: Builds, { name }: Build): Role => {
  if (name === served) return 'served'
  return name === previous ? 'previous' : 'next'
}

const MISSING: Readonly<Record<Role, (projection: string) => string>> = {
  served: (projection) => `${projection} has no build that readers get`,
  previous: (projection) => `${projection} has no former build to go back to`,
  next: (projection) =>
    `${projection} is not being built: start with POST /projections/${projection}/rebuild`,
}

export const inRole = (builds: Builds, role: Role): Build | undefined =>
  builds.builds.find((one) => roleOf(builds, one) === role)

/** `wanted`, if given, is the build that the caller has in mind. */
export const required = (builds: Builds, role: Role, wanted?: string): Build => {
  const { projection } = builds
  const build = inRole(builds, role)
  if (!build) throw problems.conflict(MISSING[role](projection))
  if (wanted === undefined || wanted === build.name) return build
  throw problems.conflict(
    `${projection} ${build.name} is the ${role} build, not ${JSON.stringify(wanted)}: look again`,
  )
}

export const assertHasCode = (
  { code }: Pick<FindDeps, 'code'>,
  name: string,
  build: Build,
): AnyProjection => {
  const projection = code.version(name, build.version)
  if (projection) return projection
  throw problems.conflict(`this code does not have ${name} ${build.version}: ask an ops of the code that has`)
}
