type Script<Arguments> = {
  readonly usage: string
  /** Throws for what is unknown. */
  readonly parse: () => Arguments
  readonly run: (given: Arguments) => Promise<void>
}

/** A script whose wrong arguments, and `--help`, are answered with its usage. */
export const withUsage = async <Arguments>({ usage, parse, run }: Script<Arguments>): Promise<void> => {
  if (process.argv.some((given) => given === '--help' || given === '-h')) {
    process.stdout.write(`usage: ${usage}\n`)
    return
  }
  let given: Arguments
  try {
    given = parse()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nusage: ${usage}\n`)
    process.exitCode = 2
    return
  }
  await run(given)
}
