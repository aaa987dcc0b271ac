/**
 * Checks the URL by which a provider knows the receiver. It has to be configured, because what a request says about its
 * own host (`Host`, `X-Forwarded-Host`) is written by whoever sends it.
 */
export function checkPublicUrl(owner: string, name: string, url: string): string {
  if (typeof url === 'string' && /^https?:\/\/[^/\s?#]+[^\s#]*$/.test(url) && URL.canParse(url)) return url
  throw new TypeError(
    `${owner}: ${name} must be the whole URL as the provider has it, such as https://example.com/hook.`,
  )
}

/** The public URL with the query of the request, which providers add to. */
export function withQueryOf(publicUrl: string, requestUrl: string): string {
  const start = requestUrl.indexOf('?')
  return (publicUrl.split('?')[0] ?? '') + (start < 0 ? '' : requestUrl.slice(start))
}
