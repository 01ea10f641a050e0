// Which build of a read model is served, held under the registry's lease of a second. A read that finds a valid lease
// costs no query. While a read model is in use its lease is renewed in the background, so that a read which takes long
// still finds, at its end, that nothing was switched under it.

import { isFed, versionedName, type AnyProjection, type ProjectionCode } from '@millrace/domain'
import { buildName, type BuildRegistry, type PointerLease } from '@millrace/mongo'
import { PlatformError, problems } from '@millrace/runtime'
import type { Served, ServedBuilds } from './served-builds.ts'

export type LeasedBuildsDeps = { readonly registry: BuildRegistry; readonly code: ProjectionCode }

const RENEW_EVERY_MS = 400
/** Longer than any answer may take. */
const IN_USE_MS = 45_000

export const leasedBuilds = (deps: LeasedBuildsDeps): ServedBuilds => {
  const holders = new Map<string, Holder>()
  return {
    of: async (name) => {
      const newest = deps.code.newest(name)
      if (!newest) throw problems.notFound(`there is no read model ${JSON.stringify(name)}`)
      // Nothing is built: it changes with the commits, in the one version that command-api has, or is kept nowhere.
      if (!isFed(newest)) return { projection: newest, build: versionedName(newest), isCurrent: () => true }
      const holder = holders.get(name) ?? new Holder(deps.registry, newest)
      holders.set(name, holder)
      return toServed(deps, name, { holder, lease: await holder.lease() })
    },
  }
}

const toServed = (
  { code }: LeasedBuildsDeps,
  name: string,
  { holder, lease: { served, version } }: { holder: Holder; lease: PointerLease },
): Served => {
  const projection = code.version(name, version)
  if (!projection)
    throw problems.unavailable(`${name} is served in ${version}, which this service does not have yet`, {
      headers: { 'retry-after': '5' },
    })
  return {
    projection,
    build: buildName(name, served),
    isCurrent: () => holder.holds(served),
  }
}

/** The lease of one read model. */
class Holder {
  readonly #registry: BuildRegistry
  readonly #newest: AnyProjection
  #lease: PointerLease | undefined
  #renewing: Promise<PointerLease> | undefined
  #timer: NodeJS.Timeout | undefined
  #lastUsedMs = 0

  constructor(registry: BuildRegistry, newest: AnyProjection) {
    this.#registry = registry
    this.#newest = newest
  }

  holds(served: string): boolean {
    return this.#lease?.isValid() === true && this.#lease.served === served
  }

  async lease(): Promise<PointerLease> {
    this.#lastUsedMs = performance.now()
    this.#timer ??= setInterval(() => this.#renewInUse(), RENEW_EVERY_MS).unref()
    return this.#lease?.isValid() ? this.#lease : this.#renew()
  }

  #renewInUse(): void {
    if (performance.now() > this.#lastUsedMs + IN_USE_MS) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    // Whoever reads next asks again, and hears what is wrong.
    this.#renew().catch(() => undefined)
  }

  #renew(): Promise<PointerLease> {
    this.#renewing ??= this.#take().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #take(): Promise<PointerLease> {
    const { name, version } = this.#newest
    try {
      this.#lease = await this.#registry.lease(name)
    } catch (error) {
      if (!(error instanceof PlatformError) || error.code !== 'BUILD_UNKNOWN') throw error
      await this.#registry.register(name, version)
      this.#lease = await this.#registry.lease(name)
    }
    return this.#lease
  }
}
