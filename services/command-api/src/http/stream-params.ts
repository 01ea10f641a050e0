import { streamField } from '@millrace/domain'
import { z } from 'zod'

export const streamParams = z.strictObject({ id: streamField })
