import { join } from 'node:path'
import { findJava } from '../java.ts'
import { LocalStackError } from '../local-stack-error.ts'
import type { StackContext } from '../stack-context.ts'
import { runTool } from './run-tool.ts'

/**
 * Not the version that a Maven brings along, which differs from release to release: the 3.x ones read the parent
 * of what they get, and the registry's parent was never published.
 */
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:2.8'

type MavenRun = {
  readonly goal: 'get' | 'copy-dependencies'
  readonly args: readonly string[]
  readonly cwd: string
}

/**
 * Runs with the user's own settings (mirrors, proxies), but with a local repository in `cwd`: two Mavens on one
 * repository disturb each other, the bytes can be watched there, and a second attempt finds what the first got.
 */
export const runMaven = async (context: StackContext, { goal, args, cwd }: MavenRun): Promise<void> => {
  await findJava(context.env)
  await runTool({
    name: 'Maven',
    command: 'mvn',
    args: [
      '-B',
      '-q',
      '-U',
      '-Dstyle.color=never',
      `-Dmaven.repo.local=${mavenRepository(cwd)}`,
      `${DEPENDENCY_PLUGIN}:${goal}`,
      ...args,
    ],
    cwd,
    env: context.env,
    guards: context.guards,
    signal: context.signal,
    ifMissing: () =>
      new LocalStackError(
        'maven-missing',
        'Maven (mvn) was not found; Kafka and the schema registry come through it.',
        {
          nextStep:
            'Install it (Debian, Ubuntu: apt-get install maven; macOS: brew install maven), needed for the first start only; ' +
            'or give KAFKA_BROKERS and SCHEMA_REGISTRY_URL; or start Docker.',
        },
      ),
  })
}

export const mavenRepository = (cwd: string): string => join(cwd, 'maven')
