/** Says whether `text` is printable ASCII without space and comma: one word that survives any header, also one sent twice. */
export function isHeaderToken(text: string): boolean {
  return /^[!-+\x2d-~]+$/.test(text)
}
