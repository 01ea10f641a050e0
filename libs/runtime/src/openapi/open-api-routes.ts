// The document and a viewer for it, for everybody: they tell what this code can be asked, nothing of what is stored.
// The viewer is Swagger UI from our own packages; its page may load nothing from anywhere else.

import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { Request, RequestHandler } from 'express'
import { problems } from '../http/problem.ts'
import type { OpenApiDocument } from './document.ts'

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>API</title>
    <link rel="icon" href="/docs/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="viewer"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`

const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#viewer',
  deepLinking: true,
  // Would send the document to a server elsewhere.
  validatorUrl: null,
})
`

const ASSETS = ['favicon-32x32.png', 'swagger-ui.css', 'swagger-ui-bundle.js']

/** `GET /openapi.json` and `GET /docs`; other paths go on to what comes behind, at the cost of a look into a map. */
export const openApiRoutes = (document: OpenApiDocument): RequestHandler => {
  const pages = new Map<string, RequestHandler>([
    ['/openapi.json', documentPage(document)],
    ['/docs', textPage('text/html; charset=utf-8', PAGE)],
    ['/docs/start.js', textPage('text/javascript; charset=utf-8', START)],
    ...ASSETS.map((name): [string, RequestHandler] => [`/docs/${name}`, assetPage(name)]),
  ])
  return (request, response, next) => {
    const page = pages.get(pathOf(request))
    if (!page) return next()
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw problems.methodNotAllowed('this can only be read', { headers: { allow: 'GET, HEAD' } })
    response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY)
    return page(request, response, next)
  }
}

const pathOf = ({ url }: Request): string => {
  const mark = url.indexOf('?')
  return mark < 0 ? url : url.slice(0, mark)
}

const documentPage = (document: OpenApiDocument): RequestHandler => {
  const text = JSON.stringify(document)
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
  const send = textPage('application/json', text)
  return (request, response, next) => {
    response.setHeader('etag', etag)
    response.setHeader('cache-control', 'no-cache')
    if (request.fresh) response.status(304).end()
    else void send(request, response, next)
  }
}

const textPage =
  (type: string, text: string): RequestHandler =>
  (_request, response) => {
    response.setHeader('content-type', type)
    response.end(text)
  }

const assetPage = (name: string): RequestHandler => {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  return (_request, response, next) =>
    response.sendFile(name, { root: folder, maxAge: '1h', dotfiles: 'allow' }, (error?: Error) => {
      if (error && !response.headersSent) next(error)
    })
}
