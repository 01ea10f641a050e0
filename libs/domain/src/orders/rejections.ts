export const orderRejections = [
  'order-not-found',
  'order-already-placed',
  'order-not-paid',
  'order-already-paid',
  'order-not-shipped',
  'order-already-shipped',
  'order-not-delivered',
  'order-already-delivered',
  'order-cancelled',
  'order-returned',
  'too-many-open-orders',
] as const

export type OrderRejection = (typeof orderRejections)[number]
