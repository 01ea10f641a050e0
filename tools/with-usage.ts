type Script = {
  readonly usage: string
  /** What the arguments ask for; throws when that is nothing there is. */
  readonly parse: () => () => Promise<void>
}

/** A script whose wrong arguments, and `--help`, are answered with its usage. */
export const withUsage = async ({ usage, parse }: Script): Promise<void> => {
  if (process.argv.some((given) => given === '--help' || given === '-h')) {
    process.stdout.write(`usage: ${usage}\n`)
    return
  }
  let run: () => Promise<void>
  try {
    run = parse()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nusage: ${usage}\n`)
    process.exitCode = 2
    return
  }
  await run()
}
