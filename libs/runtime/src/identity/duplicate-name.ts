const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g

/**
 * A name that stands twice in one object of the text, at any depth; undefined when there is none. `JSON.parse` takes the
 * last one, other parsers the first: whoever signs may have checked another value than we would use. The text is JSON.
 */
export const duplicateName = (text: string): string | undefined => {
  // Names so far of each object and list around.
  const open: Set<string>[] = []
  let last = ''
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === ':') {
      const name = JSON.parse(last) as string
      if (open.at(-1)?.has(name)) return name
      open.at(-1)?.add(name)
    } else if ('{['.includes(token)) open.push(new Set())
    else if ('}]'.includes(token)) open.pop()
    last = token
  }
  return undefined
}
