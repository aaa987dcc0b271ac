/**
 * Lists the URLs that Twilio may have signed for one, which is the first, as its SDK tries them: with and without a port, as
 * `URL` writes it, and with the query encoded anew. Six at most.
 */
export function twilioUrls(url: string): readonly string[] {
  const normal = new URL(url).toString()
  const ported = [url, normal].flatMap((text) => [withoutPort(text), withPort(text)])
  const encoded = ported.slice(2).map(encodedAnew)
  return [...new Set([url, ...ported, ...encoded])]
}

function withoutPort(url: string): string {
  return url.replace(authority, '$1$2')
}

function withPort(url: string): string {
  return url.replace(authority, (whole, start: string, host: string, port: string) =>
    port === '' ? `${start}${host}${/^https/i.test(start) ? ':443' : ':80'}` : whole,
  )
}

// Scheme and user, host, port; the brackets are those of an IPv6 address.
const authority = /^(https?:\/\/(?:[^/?#]*@)?)(\[[^\]]*\]|[^/?#:]*)((?::[^/?#]*)?)/i

/** Writes the query as Node's older `querystring` does: names in order, each with its values, all but `A-Z a-z 0-9 - _ . ! ~ * ' ( )` escaped. */
function encodedAnew(url: string): string {
  const start = url.indexOf('?')
  if (start < 0 || start === url.length - 1) return url
  // An object without a prototype, as querystring has it: it puts names that are whole numbers first.
  const fields: Record<string, string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) (fields[name] ??= []).push(value)
  const pairs = Object.entries(fields).flatMap(([name, values]) =>
    values.map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  )
  return `${url.slice(0, start)}?${pairs.join('&')}`
}
