export { GIVEN_AT_MS, given } from './given-decider.ts'
export { givenEvents } from './given-projection.ts'
export { type ReadModel, deliver, emptyReadModel } from './deliver.ts'
export { eventually } from './eventually.ts'
export { type Choose, checkGroupedLaws } from './grouped-laws.ts'
export { frozen } from './frozen.ts'
export { type HeldMessage, type MongoProxy, startMongoProxy, type ToldFaults } from './mongo-proxy.ts'
export type { MongoFault } from './mongo-reply.ts'
export { type TcpProxy, startTcpProxy } from './tcp-proxy.ts'
export { RECORDED_AT_MS, recorded, recordedStream } from './recorded-event.ts'
export {
  ORDER_TOTAL,
  orderCancelled,
  orderDelivered,
  orderPaid,
  orderPlaced,
  orderReturned,
  orderShipped,
} from './fixtures/order-events.ts'
export { productAdded, productRepriced, productRetired } from './fixtures/product-events.ts'
export { heartbeat } from './fixtures/heartbeat.ts'
export { type OrdersByHour, ordersByHour } from './fixtures/orders-by-hour.ts'
