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
