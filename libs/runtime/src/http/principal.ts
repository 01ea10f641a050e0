/** Who asks, and for which tenant. */
export type Principal = {
  readonly id: string
  readonly tenant: string
  /** May send commands that happened in the past (`occurredAt`). */
  readonly mayImport: boolean
}
