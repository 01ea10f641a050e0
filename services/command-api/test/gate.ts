/** A door that is open until it is shut; `reached` resolves when somebody waits before it. */
export const makeGate = () => {
  let opened = Promise.withResolvers<void>()
  opened.resolve()
  let reached = Promise.withResolvers<void>()
  return {
    shut: () => {
      opened = Promise.withResolvers<void>()
      reached = Promise.withResolvers<void>()
    },
    open: () => opened.resolve(),
    reached: () => reached.promise,
    pass: () => {
      reached.resolve()
      return opened.promise
    },
  }
}
