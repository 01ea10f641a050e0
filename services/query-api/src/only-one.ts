import { problems } from '@millrace/runtime'

/** The value of a parameter; 400 when it is given twice, for then nobody knows which one was meant. */
export const onlyOne = (query: URLSearchParams, name: string): string | undefined => {
  const values = query.getAll(name)
  if (values.length > 1) throw problems.badRequest(`the parameter ${name} may be given once`)
  return values[0]
}
