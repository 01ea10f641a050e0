import fc from 'fast-check'

export const anyId = fc.stringMatching(/^[A-Za-z0-9._:@~-]{1,128}$/).filter((id) => !/^\.{1,2}$/.test(id))

export const anyText = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 250 })
  .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text))

export const anyCurrency = fc.stringMatching(/^[A-Z]{3}$/)

export const anyAmount = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 46 }))

export const anyTime = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) })
