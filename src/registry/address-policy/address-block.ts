/**
 * Which rule refused a URL or an address.
 *
 * - `parse`: it is no URL as webhooks have them.
 * - `chars`: it holds white space, control characters or a backslash, which URL parsers disagree about.
 * - `scheme`: it is not `https:`, nor `http:` where that is allowed.
 * - `userinfo`: it holds a user name or password.
 * - `host`: its name is none of the Internet, or is denied.
 * - `ip`: its address, or every address that its name has, is not public, or is denied.
 * - `port`: its port is none for webhooks.
 */
export type AddressBlockCode = 'parse' | 'chars' | 'scheme' | 'userinfo' | 'host' | 'ip' | 'port'

/** Why a URL or an address may not be used. For the operator: it says what names resolve to. */
export interface AddressBlock {
  /** The rule. */
  readonly code: AddressBlockCode
  /** What was found, with host and address, never with path or query. */
  readonly reason: string
}

/** What the owner of a webhook is told about its URL. Which rule of the network it was, and what a name resolves to, is the operator's to know. */
export function ownerMessage({ code, reason }: AddressBlock): string {
  const isAboutNetwork = code === 'host' || code === 'ip' || code === 'port'
  return isAboutNetwork ? 'leads to an address that webhooks may not use: give a public one' : reason
}

/** Thrown where an address is refused; its message is the operator's. */
export class AddressBlocked extends Error {
  override readonly name = 'AddressBlocked'
  readonly code = 'ADDRESS_BLOCKED'
  readonly block: AddressBlock

  constructor(block: AddressBlock) {
    super(`The address guard refused it by the rule "${block.code}": ${block.reason}.${remedyOf(block)}`)
    this.block = block
  }
}

// What is denied stays so, whatever is allowed; and what is no URL nothing can allow.
function remedyOf({ code, reason }: AddressBlock): string {
  const option = options[code]
  return option === undefined || reason.endsWith(' is denied')
    ? ''
    : ` Where that is meant, as on the machine of a developer, the registry takes addresses: { ${option} }.`
}

const options: Partial<Record<AddressBlockCode, string>> = {
  scheme: 'allowHttp: true',
  host: "allow: ['that.name']",
  ip: "allow: ['127.0.0.0/8'] with its range",
  port: 'ports: [443, 8443]',
}
