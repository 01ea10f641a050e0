export { MAX_LONG } from './avro-types.ts'
export { eventTypes, isEventType } from './event-type.ts'
export type { EventDataByType, EventType } from './event-type.ts'
export type {
  DocumentChanged,
  HeartbeatReceived,
  Money,
  OrderCancelled,
  OrderDelivered,
  OrderLine,
  OrderPaid,
  OrderPlaced,
  OrderReturned,
  OrderShipped,
  ProcessState,
  ProcessStatus,
  ProductAdded,
  ProductRepriced,
  ProductRetired,
} from './generated/event-types.ts'
export type { DomainEvent, EventIdentity, RecordedEvent } from './recorded-event.ts'
export { changesTopic, isTopicName, subjectOf, topicNames, topics } from './topics.ts'
export type { Retention, TopicEvent, TopicName, TopicSpec } from './topics.ts'
export { makeEventCatalogue } from './event-catalogue.ts'
export type { EventCatalogue, EventDefinitions, StoredForm, Upcaster } from './event-catalogue.ts'
export { shippedDefinitions, shippedEvents, storedTypesOf } from './shipped-events.ts'
export { tombstonesTrustedMs, topicConfigEntries } from './topic-config.ts'
export type { ConfigEntry } from './topic-config.ts'
export { parseMessageKey, toMessageKey } from './message-key.ts'
export type { MessageKey } from './message-key.ts'
export { categoryOf, keyOfStream, parseHeaders, toHeaders } from './headers.ts'
export { headerSchemaOf } from './header-schema.ts'
export type { HeaderSchema } from './header-schema.ts'
export type { EventMetadata, HeaderValue, RecordHeaders } from './headers.ts'
export { connectCodec, makeCodec, makeInMemoryCodec } from './codec.ts'
export type { Codec, CodecOptions } from './codec.ts'
export { makeLateCodec } from './late-codec.ts'
export { readHead, readRecord } from './read-record.ts'
export { writerIdsOf } from './writer-ids.ts'
export { readStored } from './read-stored.ts'
export type { EventRecord, RecordHead } from './read-record.ts'
export { registerSchemas } from './register-schemas.ts'
export type { RegisteredSubject, RegisterOptions } from './register-schemas.ts'
export { makeInMemoryRegistry } from './in-memory-registry.ts'
export type { RegistryOptions } from './ask-registry.ts'
export type { RegisteredSchema, SchemaRegistry } from './schema-registry.ts'
export {
  DecodeError,
  EncodeError,
  IncompatibleSchemaError,
  RegistryRefusedError,
  RegistryUnavailableError,
  SchemaNotRegisteredError,
} from './errors.ts'
export type { DecodeErrorCode } from './errors.ts'
