import { toOpenApi, type OpenApiDocument, type Route } from '@millrace/runtime'

export const describeApi = (routes: readonly Route[]): OpenApiDocument =>
  toOpenApi({
    title: 'Millrace query API',
    version: '0.1.0',
    description:
      'Read models, and states of aggregates. Whatever goes wrong is a problem document (RFC 9457).',
    routes,
  })
