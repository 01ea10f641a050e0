import { startLocalStack, renderProgress } from './src/index.ts'
const log = (l: string) => (f: object, m: string) => console.log(l, m, JSON.stringify(f))
const logger = { debug: log('D'), info: log('I'), warn: log('W'), error: log('E') }
const r = renderProgress(process.stderr)
const t0 = performance.now()
const stack = await startLocalStack({ dataDir: process.argv[2]!, ephemeral: process.argv[3] === 'eph', logger, onProgress: r.onProgress })
r.stop()
console.log('UP', Math.round(performance.now() - t0), JSON.stringify(stack.urls), JSON.stringify(stack.origin))
stack.onServerEvent((e) => console.log('EVENT', JSON.stringify(e)))
if (process.argv[4] !== 'stay') { const t1 = performance.now(); await stack.stop(); console.log('DOWN', Math.round(performance.now() - t1)) }
