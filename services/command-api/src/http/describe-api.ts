import { toOpenApi, type OpenApiDocument, type Route } from '@millrace/runtime'

export const describeApi = (routes: readonly Route[]): OpenApiDocument =>
  toOpenApi({
    title: 'Millrace command API',
    version: '0.1.0',
    description:
      'Commands, heartbeats and raw access to the event store. Whatever goes wrong is a problem document (RFC 9457).',
    routes,
  })
