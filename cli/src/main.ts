import { Command, CommanderError } from 'commander'
import { messageOf } from '@millrace/runtime'
import { agentCommand } from './commands/agent.ts'
import { importCommand } from './commands/import.ts'
import { projectionsCommand } from './commands/projections.ts'
import { setupCommand } from './commands/setup.ts'
import { startCommand } from './commands/start.ts'
import { verifyCommand } from './commands/verify.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'

const program = new Command('millrace')
  .description('event sourcing on Kafka and MongoDB')
  .showHelpAfterError('(add --help for more)')
  .showSuggestionAfterError()
  .addCommand(startCommand((code) => process.exit(code)))
  .addCommand(setupCommand())
  .addCommand(importCommand())
  .addCommand(agentCommand())
  .addCommand(projectionsCommand())
  .addCommand(verifyCommand())

for (const command of [
  program,
  ...program.commands,
  ...program.commands.flatMap(({ commands }) => commands),
]) {
  command.exitOverride()
}

try {
  await program.parseAsync()
} catch (error) {
  // Commander has written its own message already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
  else {
    process.stderr.write(`millrace: ${messageOf(error)}\n`)
    process.exitCode = exitCodeOf(error)
  }
}
