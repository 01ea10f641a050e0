import { Command } from 'commander'
import { createLogger } from '@millrace/runtime'
import { loadConfig, type Config } from '../config.ts'
import { CommandError, EXIT } from '../exit-codes.ts'
import { foldingBar } from '../setup/folding-bar.ts'
import { setUp, type SetupReport } from '../setup/setup.ts'

const urlsOf = (config: Config) => {
  const { KAFKA_BROKERS: kafka, MONGO_URL: mongo, SCHEMA_REGISTRY_URL: registry } = config
  if (kafka === undefined || mongo === undefined || registry === undefined) {
    throw new CommandError('set KAFKA_BROKERS, MONGO_URL and SCHEMA_REGISTRY_URL', EXIT.usage)
  }
  return { kafka, mongo, registry }
}

const inlineLine = ({ builtReadModels }: SetupReport): string =>
  builtReadModels.length === 0
    ? 'inline read models are there'
    : `${builtReadModels.length} inline read models built: ${builtReadModels.join(', ')}`

export const setupCommand = (): Command =>
  new Command('setup')
    .description(
      'register schemas, create topics and indexes, build inline read models on the servers that the environment names',
    )
    .addHelpText('after', '\nDoing it again changes nothing. `millrace start` does it by itself.')
    .action(async () => {
      const config = loadConfig()
      const logger = createLogger({ service: 'millrace-setup', level: config.LOG_LEVEL })
      const progress = foldingBar()
      const report = await setUp({
        urls: urlsOf(config),
        database: config.MONGO_DATABASE,
        readModels: { url: config.READ_MODELS_URL, database: config.READ_MODELS_DATABASE },
        replicationFactor: config.KAFKA_REPLICATION_FACTOR,
        changesTopics: config.CHANGEFEEDS.map(({ topic }) => topic),
        logger,
        onFolded: progress.onFolded,
      }).finally(progress.stop)
      const topics =
        report.createdTopics.length === 0 ? 'no new topics' : `new topics: ${report.createdTopics.join(', ')}`
      process.stdout.write(
        `${report.schemas} schemas registered; ${topics}; indexes are there; ${inlineLine(report)}\n`,
      )
    })
