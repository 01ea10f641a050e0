/** The environment for a `millrace start` that has to bring its own servers. */
export const environmentWithoutServers = (env = process.env): NodeJS.ProcessEnv => {
  const {
    KAFKA_BROKERS: _kafka,
    MONGO_URL: _mongo,
    SCHEMA_REGISTRY_URL: _registry,
    NODE_OPTIONS: _options,
    ...rest
  } = env
  return rest
}

export const inheritedEnv = (): NodeJS.ProcessEnv => process.env

/** What the global set-up of the run has put into the environment. */
export const serversOfThisRun = (env = process.env) => ({
  kafka: env['KAFKA_BROKERS'] ?? '',
  mongo: env['MONGO_URL'] ?? '',
  registry: env['SCHEMA_REGISTRY_URL'] ?? '',
})
