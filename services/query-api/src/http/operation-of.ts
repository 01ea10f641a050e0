/** `list`, `order-summary`: `listOrderSummary`. */
export const operationOf = (verb: string, name: string): string =>
  name.split('-').reduce((operation, part) => `${operation}${part[0]?.toUpperCase()}${part.slice(1)}`, verb)
