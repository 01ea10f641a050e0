import { asking, bytesOf, MIB, type BadInput, type BadInputs, type Target } from './bad-input.ts'

const CLOSED = { connection: 'close' }
const NO_HTTP = { status: 400, headers: CLOSED, detail: /^this is not HTTP: \S/ }
const ANY_ID = /^[0-9a-f-]{36}$/

/** Not what a page of another site may read. */
const NO_CORS = {
  'access-control-allow-origin': null,
  'access-control-allow-methods': null,
  'access-control-allow-credentials': null,
}

const headOf = ({ read, tokens }: Target, ...headers: readonly string[]): string[] => [
  `GET ${read.path} HTTP/1.1`,
  'Host: x',
  `Authorization: Bearer ${tokens.good}`,
  ...headers,
]

/** 53: where does a request end? */
const badFraming = (target: Target): BadInputs => {
  const framed = (headers: readonly string[], body = ''): BadInput => ({
    send: { bytes: bytesOf(headOf(target, ...headers), body) },
    answer: NO_HTTP,
  })
  const good = headOf(target).join('\r\n')
  return {
    '53: Content-Length and Transfer-Encoding': framed(
      ['Content-Length: 3', 'Transfer-Encoding: chunked'],
      '0\r\n\r\n',
    ),
    '53: two Content-Lengths': framed(['Content-Length: 3', 'Content-Length: 4'], 'abc'),
    '53: a folded header': framed(['X-A: b\r\n c']),
    '53: a bare line feed': { send: { bytes: `${good}\nX-A: b\r\n\r\n` }, answer: NO_HTTP },
    '53: an end of bare line feeds': { send: { bytes: `${good}\n\n` }, answer: NO_HTTP },
    '53: a chunk size that is none': framed(['Transfer-Encoding: chunked'], 'x\r\n'),
    '53: compressed chunks': {
      send: { bytes: bytesOf(headOf(target, 'Transfer-Encoding: gzip, chunked'), '0\r\n\r\n') },
      answer: { status: 400, detail: /Transfer-Encoding/ },
    },
  }
}

const badTargets = (target: Target): BadInputs => {
  const { read, tokens } = target
  const authorized = ['Host: x', `Authorization: Bearer ${tokens.good}`]
  return {
    '53: no Host': {
      send: { bytes: bytesOf([`GET ${read.path} HTTP/1.1`, `Authorization: Bearer ${tokens.good}`]) },
      answer: { status: 400, detail: /Host/ },
    },
    '53: two Hosts': {
      send: { bytes: bytesOf(headOf(target, 'Host: y')) },
      answer: { status: 400, detail: /host was given twice/ },
    },
    '53: the page of another host': {
      send: { bytes: bytesOf(['GET http://example.org/ HTTP/1.1', ...authorized]) },
      answer: { status: 400, detail: /path/ },
    },
    '56: an unknown path': asking(target)({ path: '/nothing', answer: { status: 404 } }),
    '66: thousands of parameters': asking(target)({
      path: `${read.path}?${Array.from({ length: 4_000 }, (_, index) => index.toString(36)).join('&')}`,
      answer: { status: 400, detail: /64 parameters at most/ },
    }),
    '56: CONNECT': {
      send: { bytes: bytesOf(['CONNECT example.org:443 HTTP/1.1', ...authorized]) },
      answer: { status: 405, headers: { ...CLOSED, allow: '' } },
    },
    '56: a method that nobody knows': {
      send: { bytes: bytesOf([`FETCH ${read.path} HTTP/1.1`, ...authorized]) },
      answer: NO_HTTP,
    },
    ...Object.fromEntries(
      ['TRACE', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method): [string, BadInput] => [
        `56: ${method}`,
        asking(target)({ method, answer: { status: 405, headers: { allow: /\bGET, HEAD\b/ } } }),
      ]),
    ),
  }
}

/** 55, 61, 63, 64 */
const badHeaders = (target: Target): BadInputs => {
  const passes = (headers: Record<string, string>, more = {}): BadInput =>
    asking(target)({ headers, answer: { status: 200, headers: more } })
  const cookies = Array.from({ length: 100 }, (_, index) => `cookie-${index}=some-value-of-it`).join('; ')
  const many = Array.from({ length: 201 }, (_, index) => `X-${index}: a`)
  const foreign = { origin: 'https://elsewhere.example' }
  return {
    '55: headers of 17 KiB': {
      send: { bytes: bytesOf(headOf(target, `X-A: ${'a'.repeat(17 * 1024)}`)) },
      answer: { status: 431, headers: CLOSED },
    },
    '55: two hundred headers and more': {
      send: { bytes: bytesOf(headOf(target, ...many)) },
      answer: { status: 431 },
    },
    '55: a path of 17 KiB': {
      send: { bytes: bytesOf([`GET /${'a'.repeat(17 * 1024)} HTTP/1.1`, ...headOf(target).slice(1)]) },
      answer: { status: 431, headers: CLOSED },
    },
    '55: a hundred cookies': passes({ cookie: cookies }),
    '61: a date long past': passes({ date: 'Thu, 01 Jan 1970 00:00:00 GMT' }),
    '61: a traceparent that is no hex': passes({ traceparent: `00-${'x'.repeat(32)}-${'y'.repeat(16)}-01` }),
    '61: a tracestate of 8 KB': passes({
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      tracestate: `a=${'b'.repeat(8_000)}`,
    }),
    '61: a tracestate of 100 KB': {
      send: { bytes: bytesOf(headOf(target, `tracestate: a=${'b'.repeat(100_000)}`)) },
      answer: { status: 431, headers: CLOSED },
    },
    '63: a request id with a space': passes({ 'x-request-id': 'a b' }, { 'x-request-id': ANY_ID }),
    '63: a request id of 1 KB': passes({ 'x-request-id': 'a'.repeat(1_024) }, { 'x-request-id': ANY_ID }),
    '63: a request id with a line feed': {
      send: { bytes: bytesOf(headOf(target, 'X-Request-Id: a\nSet-Cookie: a=b')) },
      answer: NO_HTTP,
    },
    '64: a page of another origin': passes(foreign, NO_CORS),
    '64: a page of no origin': passes({ origin: 'null' }, NO_CORS),
    '64: a page that asks before it asks': asking(target)({
      method: 'OPTIONS',
      headers: { ...foreign, 'access-control-request-method': 'POST' },
      answer: { status: 405, headers: NO_CORS },
    }),
  }
}

/** 41, 42, 52: bodies that are not even read, whether the route takes one or not. */
const badLengths = (target: Target): BadInputs => {
  const { write, tokens } = target
  const [line = '', ...rest] = headOf(target)
  const asked = write
    ? [`POST ${write.path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${tokens.good}`]
    : [line, ...rest]
  const more = Object.entries(write?.headers ?? {}).map(([name, value]) => `${name}: ${value}`)
  const head = (...headers: readonly string[]): Buffer => bytesOf([...asked, ...more, ...headers])
  const chunk = Buffer.from(`10000\r\n${' '.repeat(64 * 1024)}\r\n`)
  const tooLarge = { status: 413, headers: CLOSED }
  return {
    '41: a body of one byte more than 1 MiB': {
      send: { bytes: Buffer.concat([head(`Content-Length: ${MIB + 1}`), Buffer.alloc(MIB + 1, ' ')]) },
      answer: tooLarge,
    },
    '41: a body that is announced with 10 GiB': {
      send: { bytes: head(`Content-Length: ${10 * 1024 * MIB}`) },
      answer: tooLarge,
    },
    '42: chunks without end': {
      send: { bytes: head('Transfer-Encoding: chunked'), endless: chunk },
      answer: tooLarge,
    },
    '42: chunk extensions without end': {
      send: {
        bytes: Buffer.concat([head('Transfer-Encoding: chunked'), Buffer.from(`1;${'a'.repeat(20_000)}`)]),
      },
      answer: tooLarge,
    },
  }
}

export const badMessages = (target: Target): BadInputs => ({
  ...badFraming(target),
  ...badTargets(target),
  ...badHeaders(target),
  ...badLengths(target),
})
