import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

export type Metrics = {
  readonly registry: Registry
  counter(name: string, help: string, labels?: readonly string[]): Counter
  gauge(
    name: string,
    help: string,
    labels?: readonly string[],
    collect?: (gauge: Gauge) => void | Promise<void>,
  ): Gauge
  histogram(
    name: string,
    help: string,
    labels?: readonly string[],
    bucketsSeconds?: readonly number[],
  ): Histogram
}

const LATENCY_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** One registry a process, with Node's default metrics and the service as a label on all of them. */
export const createMetrics = (service: string): Metrics => {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    registry,
    counter: (name, help, labelNames = []) =>
      new Counter({ name, help, labelNames: [...labelNames], registers }),
    // eslint-disable-next-line max-params -- name, help and labels as everywhere; few gauges ask for their value
    gauge: (name, help, labelNames = [], collect) => {
      const gauge: Gauge = new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers,
        ...(collect ? { collect: () => collect(gauge) } : {}),
      })
      return gauge
    },
    // eslint-disable-next-line max-params -- name, help and labels as everywhere; few histograms need other buckets
    histogram: (name, help, labelNames = [], buckets = LATENCY_BUCKETS_SECONDS) =>
      new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers }),
  }
}
