import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const makeTemporaryDirectory = (): string =>
  realpathSync(mkdtempSync(join(tmpdir(), 'millrace-test-')))
