/** Servers to measure against; those not named are started, with empty data. */
export const givenServers = (env = process.env) => ({
  kafka: env['KAFKA_BROKERS'],
  mongo: env['MONGO_URL'],
  registry: env['SCHEMA_REGISTRY_URL'],
})
