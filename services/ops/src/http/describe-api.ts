import { toOpenApi, type OpenApiDocument, type Route } from '@millrace/runtime'

export const describeApi = (routes: readonly Route[]): OpenApiDocument =>
  toOpenApi({
    title: 'Millrace operations API',
    version: '0.1.0',
    description:
      'Projections: their state, rebuilds, comparisons, switches. Whatever goes wrong is a problem document (RFC 9457).',
    routes,
  })
