import { describeFault } from './data-fault.ts'
import { DecodeError } from './errors.ts'
import type { StoredForm, Upcast } from './event-catalogue.ts'

/** Data of a former type in its newest form. Throws DecodeError: a wrong upcaster must not reach a fold. */
export const upcastData = ({ upcasts }: StoredForm, data: unknown): unknown =>
  upcasts.reduce((former, step) => takeStep(step, former), data)

const takeStep = (step: Upcast, former: unknown): unknown => {
  const data = runUpcaster(step, former)
  if (!step.avroType.isValid(data, { noUndeclaredFields: true }))
    throw failed(step, describeFault(step.avroType, data).message)
  // To bytes and back: what comes out is what would be read had it been written in this form, defaults included.
  return step.avroType.clone(data)
}

const runUpcaster = (step: Upcast, former: unknown): unknown => {
  try {
    return step.upcast(former)
  } catch (cause) {
    throw failed(step, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

const failed = ({ from, to }: Upcast, problem: string, cause?: unknown): DecodeError =>
  new DecodeError({ code: 'upcast-failed', message: `${from} did not become ${to}: ${problem}`, cause })
