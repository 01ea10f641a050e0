export type Tally = { passed: number; failed: number; skipped: number }
export type StepResult = Tally & { output: string }

export const summaryOf = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
