import { describe, expect, it } from '@jest/globals'
import { planGate } from '../gate/run-gate.ts'
import { tallyJest } from '../gate/run-jest.ts'
import { stepNames } from '../gate/steps.ts'
import { summaryOf } from '../gate/tally.ts'

const report = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
}

describe('the plan of a test run', () => {
  it('is every step without arguments', () => {
    expect(planGate([])).toEqual({ names: [...stepNames], jestArgs: [] })
  })

  it('is the named steps', () => {
    expect(planGate(['lint', 'unit'])).toEqual({ names: ['lint', 'unit'], jestArgs: [] })
  })

  it('is the three suites for a path', () => {
    expect(planGate(['libs/kafka'])).toEqual({ names: ['unit', 'int', 'e2e'], jestArgs: ['libs/kafka'] })
  })

  it('is the named steps and the three suites for a path after steps that are no suite', () => {
    const names = ['lint', 'unit', 'int', 'e2e']
    expect(planGate(['lint', 'libs/kafka'])).toEqual({ names, jestArgs: ['libs/kafka'] })
  })

  it('hands what follows a step name to Jest', () => {
    expect(planGate(['int', 'libs/mongo', '-t', 'unit'])).toEqual({
      names: ['int'],
      jestArgs: ['libs/mongo', '-t', 'unit'],
    })
  })
})

describe('the count of a suite', () => {
  it('is that of its report', () => {
    const counted = tallyJest(
      { isOk: false, output: '' },
      { ...report, numFailedTests: 2, numPendingTests: 1 },
    )
    expect(counted).toMatchObject({ passed: 3, failed: 2, skipped: 1 })
  })

  it('has a failure for each file that does not load', () => {
    const counted = tallyJest({ isOk: false, output: '' }, { ...report, numRuntimeErrorTestSuites: 2 })
    expect(counted).toMatchObject({ passed: 3, failed: 2 })
  })

  it('has a failure when the run fails without a failed test', () => {
    expect(tallyJest({ isOk: false, output: '' }, report)).toMatchObject({ passed: 3, failed: 1 })
  })

  it('has a failure when no test ran', () => {
    expect(tallyJest({ isOk: true, output: '' }, { ...report, numPassedTests: 0 }).failed).toBe(1)
  })

  it('has a failure when there is no report', () => {
    expect(tallyJest({ isOk: true, output: '' }, null).failed).toBe(1)
  })
})

describe('the last line', () => {
  it('names skipped tests only when there are some', () => {
    expect(summaryOf({ passed: 5, failed: 0, skipped: 0 })).toBe('5 passed, 0 failed')
    expect(summaryOf({ passed: 5, failed: 1, skipped: 2 })).toBe('5 passed, 1 failed, 2 skipped')
  })
})
