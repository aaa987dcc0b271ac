/** Says whether a text has the form of an id; what has not is as good as missing. */
export function isId(text: unknown): text is string {
  if (typeof text !== 'string' || text.length !== 36) return false
  for (let index = 0; index < 36; index++) {
    const code = text.charCodeAt(index)
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (code !== 45) return false
    } else if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false
  }
  return true
}
