import { setFlagsFromString } from 'node:v8'

/**
 * Tells V8 never to allocate in the old generation at once what it has seen survive. It learns that in the first moments of
 * load, when the young generation is still as small as the requests under way and so all of them survive; from then on a
 * part of each request is born old, and keeps the rest of it, dead as it is, until the next full collection. With 64
 * connections that was a third of the process's time, in about every second start (ADR 13).
 */
export const keepRequestsYoung = (): void => setFlagsFromString('--no-allocation-site-pretenuring')
