import { isStorable } from '../../domain/text.ts'
import type { AddressBlock, AddressBlockCode } from './address-block.ts'

/** The longest webhook URL accepted, in characters. */
export const maxUrlLength = 2048

/** What of a URL is judged further. */
export interface WebhookUrl {
  /** A name in lower case, or an address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/** Reads a URL by one strict form, so that no two parsers can disagree about where it leads. Its reasons are fit for the owner's eyes. */
export function readUrl(text: string, allowHttp: boolean): WebhookUrl | AddressBlock {
  if (text.length > maxUrlLength) return block('parse', `is longer than ${maxUrlLength} characters`)
  if (disputed.test(text) || !isStorable(text)) {
    return block('chars', 'contains white space, control characters or a backslash: remove or encode them')
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return notAbsolute
  if (scheme !== 'https' && !(scheme === 'http' && allowHttp)) {
    return block('scheme', `must start with https://${allowHttp ? ' or http://' : ''}`)
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1]
  if (authority === undefined || !URL.canParse(text)) return notAbsolute
  if (authority.includes('@')) {
    return block('userinfo', 'contains a user name or password: leave them out, they would be logged')
  }
  const { hostname, port } = new URL(text)
  const defaultPort = scheme === 'https' ? 443 : 80
  return { host: hostname.replace(/[[\]]/g, ''), port: port === '' ? defaultPort : Number(port) }
}

/** Judges what comes last in a URL. Apart, because where a URL leads is said first. */
export function judgeFragment(text: string): AddressBlock | null {
  return text.includes('#') ? block('parse', 'contains a fragment (#…), which is never sent: leave it out') : null
}

// Control characters, space, no-break space. The URL parser drops tab and line breaks silently and takes a backslash for a slash, others do not.
const disputed = /[\p{Cc}\u0020\u00a0\\]/u

const notAbsolute = block('parse', 'is not an absolute URL: write https://host/path')

function block(code: AddressBlockCode, reason: string): AddressBlock {
  return { code, reason }
}
