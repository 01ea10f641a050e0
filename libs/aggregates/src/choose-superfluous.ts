/** So that a newest one that turns out wrong has another close by. */
const NEWEST = 2

/**
 * Versions of a stream's snapshots that need not be kept; `versions` are given newest first. Kept are the newest two,
 * and of the others the oldest in each doubling of the distance from the newest: as many as the logarithm of the
 * stream's length, and a past state is never much further from a snapshot than from the present.
 */
export const chooseSuperfluous = (versions: readonly number[]): number[] => {
  const [newest = 0] = versions
  const doublingOf = (version: number): number => Math.floor(Math.log2(newest - version))
  const older = versions.slice(NEWEST)
  return older.filter((version, index) => {
    const next = older[index + 1]
    return next !== undefined && doublingOf(next) === doublingOf(version)
  })
}
