/** Another one holds the feed now: nothing may be done for it here any more. */
export class FeedLostError extends Error {
  constructor() {
    super('another one holds the feed')
    this.name = 'FeedLostError'
  }
}
