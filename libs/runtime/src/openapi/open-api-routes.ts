// The document and a viewer for it, for everybody: they tell what this code can be asked, nothing of what is stored.
// The viewer is Swagger UI from our own packages; its page may load nothing from anywhere else.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Request, RequestHandler, Response } from 'express'
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

const ASSETS = [
  ['favicon-32x32.png', 'image/png'],
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
] as const

/** All that is served is in memory: an answer is one piece, and an unread one holds no file. */
type Page = { readonly type: string; readonly content: Buffer; readonly etag: string }

/** `GET /openapi.json` and `GET /docs`; other paths go on to what comes behind, at the cost of a look into a map. */
export const openApiRoutes = (
  document: OpenApiDocument,
  /** Refuses by throwing. */
  admit: (response: Response) => void,
): RequestHandler => {
  const pages = new Map<string, Page>([
    ['/openapi.json', pageOf('application/json', JSON.stringify(document))],
    ['/docs', pageOf('text/html; charset=utf-8', PAGE)],
    ['/docs/start.js', pageOf('text/javascript; charset=utf-8', START)],
    ...ASSETS.map(([name, type]): [string, Page] => [`/docs/${name}`, pageOf(type, readAsset(name))]),
  ])
  return (request, response, next) => {
    const page = pages.get(pathOf(request))
    if (!page) return next()
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw problems.methodNotAllowed('this can only be read', { headers: { allow: 'GET, HEAD' } })
    admit(response)
    sendPage(page, request, response)
  }
}

const pathOf = ({ url }: Request): string => {
  const mark = url.indexOf('?')
  return mark < 0 ? url : url.slice(0, mark)
}

const readAsset = (name: string): Buffer =>
  readFileSync(createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`))

const pageOf = (type: string, source: string | Buffer): Page => {
  const content = Buffer.from(source)
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
  return { type, content, etag }
}

/** Of all conditions only `If-None-Match` is looked at: the whole page is right for whoever asks for a part of it. */
const sendPage = ({ type, content, etag }: Page, request: Request, response: Response): void => {
  response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY)
  response.setHeader('etag', etag)
  // May be kept, and is asked for again before it is shown.
  response.setHeader('cache-control', 'no-cache')
  if (request.fresh) {
    response.status(304).end()
    return
  }
  response.setHeader('content-type', type)
  response.setHeader('content-length', content.length)
  response.end(content)
}
