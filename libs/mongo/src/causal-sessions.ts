import type { ClientSession, MongoClient, Timestamp } from 'mongodb'

/** Runs `work` on `own`, or on a session that lasts as long as the call. */
export type CausalSessions = <T>(
  work: (session: ClientSession) => Promise<T>,
  own?: ClientSession,
) => Promise<T>

const clients = new WeakMap<ClientSession, MongoClient>()

/** The driver does not tell whose a session is. Undefined for one that was not handed out here. */
export const clientOf = (session: ClientSession): MongoClient | undefined => clients.get(session)

/**
 * Sessions that follow each other: what one of them has seen or written, all later ones see. Majority reads alone
 * do not promise that: a new primary already takes writes while its majority snapshot is still that of before. A
 * projection would then fold documents older than the checkpoint its transaction matches, and the relay would plan
 * commits as pending that it has just published.
 */
export const causalSessions = (client: MongoClient): CausalSessions => {
  let latest: Timestamp | undefined

  const remember = ({ operationTime }: ClientSession): void => {
    if (operationTime && (!latest || latest.lessThan(operationTime))) latest = operationTime
  }

  const runOn = async <T>(
    session: ClientSession,
    work: (session: ClientSession) => Promise<T>,
  ): Promise<T> => {
    clients.set(session, client)
    if (latest) session.advanceOperationTime(latest)
    try {
      return await work(session)
    } finally {
      remember(session)
    }
  }
  return (work, own) =>
    own
      ? runOn(own, work)
      : client.withSession({ causalConsistency: true }, (session) => runOn(session, work))
}
