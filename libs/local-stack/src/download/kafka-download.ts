import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { LocalStackError } from '../local-stack-error.ts'
import type { StackContext } from '../stack-context.ts'
import { ensureArtefact, type Artefact } from './ensure-artefact.ts'
import { KAFKA_JARS_MANIFEST } from './kafka-jars.ts'
import { listDifferences, parseManifest, totalBytes, verifyManifest } from './manifest.ts'
import { runMaven } from './maven.ts'

const VERSION = '4.3.1'
const LOG4J_VERSION = '2.25.2'
const DEPENDENCIES = [
  { group: 'org.apache.kafka', artifact: 'kafka_2.13', version: VERSION },
  { group: 'org.apache.kafka', artifact: 'kafka-tools', version: VERSION },
  { group: 'org.apache.logging.log4j', artifact: 'log4j-slf4j-impl', version: LOG4J_VERSION },
  { group: 'org.apache.logging.log4j', artifact: 'log4j-core', version: LOG4J_VERSION },
]
const MANIFEST = parseManifest(KAFKA_JARS_MANIFEST)
const JARS_BYTES = totalBytes(MANIFEST)
/** The Maven plugin and its own dependencies, which come through the same tool. */
const MAVEN_BYTES = 20_000_000

/** The directory of Kafka's jars. */
export const ensureKafka = async (context: StackContext): Promise<string> => {
  const jars = await ensureArtefact(kafkaArtefact(context), context)
  if (!jars.includes(delimiter)) return jars
  throw new LocalStackError(
    'path-unsupported',
    `Java cannot read a class path with "${delimiter}" in it: ${jars}`,
    {
      nextStep: 'Set MILLRACE_CACHE to a directory without it.',
    },
  )
}

const kafkaArtefact = (context: StackContext): Artefact => ({
  name: `kafka-${VERSION}`,
  step: `Download of Kafka ${VERSION}`,
  downloadBytes: JARS_BYTES * 2 + MAVEN_BYTES, // Maven keeps a copy in its repository
  diskBytes: JARS_BYTES * 2 + MAVEN_BYTES,
  isComplete: async (directory) => (await listDifferences(directory, MANIFEST)).length === 0,
  download: async (partial) => {
    await writeFile(join(partial, 'pom.xml'), POM)
    const args = [`-DoutputDirectory=${join(partial, 'jars')}`, '-DincludeScope=runtime']
    await runMaven(context, { goal: 'copy-dependencies', args, cwd: partial })
  },
  verify: (partial) => verifyManifest(join(partial, 'jars'), MANIFEST),
  unpack: async (partial) => join(partial, 'jars'),
})

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId><artifactId>kafka-jars</artifactId><version>1</version>
  <dependencies>
${DEPENDENCIES.map(
  ({ group, artifact, version }) =>
    `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
).join('\n')}
  </dependencies>
</project>
`
