import { DecodeError } from './errors.ts'

/** Confluent wire format: a zero byte, the writer schema's id as big-endian int32, the Avro body. */
export const wireHeaderBytes = 5
const magicByte = 0

export const writeWireHeader = (bytes: Buffer, writerId: number): void => {
  bytes[0] = magicByte
  bytes.writeInt32BE(writerId, 1)
}

export const writerIdOf = (bytes: Buffer): number => {
  if (bytes.length > 0 && bytes[0] !== magicByte) {
    throw new DecodeError({ code: 'bad-magic', message: `first byte is ${bytes[0]}, not ${magicByte}` })
  }
  if (bytes.length < wireHeaderBytes) {
    throw new DecodeError({ code: 'truncated', message: `${bytes.length} bytes cannot hold a schema id` })
  }
  return bytes.readInt32BE(1)
}
