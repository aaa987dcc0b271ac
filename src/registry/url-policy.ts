import { isStorable } from '../domain/text.ts'

/** The longest webhook URL accepted, in characters. */
export const maxUrlLength = 2048

/** Says what is wrong with a webhook's URL, or null where nothing is. Asked when it is registered and again before each send. */
export function problemOfUrl(text: string): string | null {
  if (text.length > maxUrlLength) return `is longer than ${maxUrlLength} characters`
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null) return 'is not an absolute URL: write https://host/path'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must start with https:// or http://'
  if (text.trim() !== text || hasControl(text) || !isStorable(text))
    return 'contains white space at its ends or control characters: remove them'
  if (url.username !== '' || url.password !== '')
    return 'contains a user name or password: leave them out, they would be logged'
  if (text.includes('#')) return 'contains a fragment (#…), which is never sent: leave it out'
  return null
}

// The URL parser drops tab and line breaks silently; what is stored must be what is called.
function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) < 0x20) return true
  return false
}
