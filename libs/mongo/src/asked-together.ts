/** Writes, or keys, of a lane's batch from which it is worth a transaction, or a query, of its own. */
export const LARGE_BATCH = 200

/**
 * Of what lanes ask for: each has one call at a time, so that no more can wait than there are lanes. Two at a time are
 * what a server with two cores does best; more gather the less.
 */
export const BY_LANES = { maxItems: 32, maxRuns: 2, maxWaiting: Infinity }

/**
 * Large batches go each by itself, but no more at a time either: with 24 lanes that all write, the same documents cost
 * MongoDB half as much again.
 */
export const BY_LARGE_BATCHES = { ...BY_LANES, maxItems: 1 }

/** Of those who wait for a position, and look again and again until they have it. */
export const BY_WAITERS = { maxItems: 200, maxRuns: 2, maxWaiting: 10_000 }
