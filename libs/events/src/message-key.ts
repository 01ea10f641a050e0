import { DecodeError } from './errors.ts'

export type MessageKey = { readonly tenant: string; readonly key: string }

/** Key of a Kafka record: everything of one aggregate goes to one partition. A tenant never contains a slash. */
export const toMessageKey = ({ tenant, key }: MessageKey): string => `${tenant}/${key}`

export const parseMessageKey = (bytes: Buffer | string | null): MessageKey => {
  const text = bytes === null ? '' : bytes.toString()
  const slash = text.indexOf('/')
  if (slash < 1 || slash === text.length - 1) {
    throw new DecodeError({
      code: 'bad-key',
      message: `message key ${JSON.stringify(text)} is not <tenant>/<id>`,
    })
  }
  return { tenant: text.slice(0, slash), key: text.slice(slash + 1) }
}
