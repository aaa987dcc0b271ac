import { lookup, Resolver } from 'node:dns/promises'
import type { NameServers, ResolveName } from '../../registry/address-policy/address-options.ts'
import { isLocalhost } from '../../registry/address-policy/host-name.ts'

/** Finds the addresses of names, each within a time limit. */
export interface NameResolver {
  /** Rejects with {@link NameNotResolved}; empty where the name has no address. */
  resolve(name: string): Promise<readonly string[]>
  /** Ends every question under way. */
  close(): void
}

/** Thrown where a name could not be resolved: it does not exist, or nobody answered in time. */
export class NameNotResolved extends Error {
  override readonly name = 'NameNotResolved'
  readonly code = 'NAME_NOT_RESOLVED'
}

// How much longer than the quicker family the slower one may take (RFC 8305, section 3, "Resolution Delay").
const resolutionDelayMs = 50
// c-ares repeats a question after this time and, where there are several, turns to the next server. Our own limit ends it all.
const perServerMs = 1_000

/** Creates a resolver. It asks nobody and reads no configuration before the first name. */
export function createNameResolver(
  kind: 'dns' | 'system' | NameServers | ResolveName,
  timeoutMs: number,
): NameResolver {
  const { ask, close } = askerOf(kind)
  return {
    async resolve(name) {
      // Never asked for: whoever answers for it should not be believed (RFC 6761, section 6.3).
      if (isLocalhost(name)) return ['127.0.0.1', '::1']
      return await within(timeoutMs, name, ask(name))
    },
    close,
  }
}

interface Asker {
  readonly ask: (name: string) => Promise<readonly string[]>
  readonly close: () => void
}

function askerOf(kind: 'dns' | 'system' | NameServers | ResolveName): Asker {
  if (kind === 'dns') return nameServers(null)
  if (kind === 'system') return { ask: askSystem, close: () => {} }
  if (typeof kind === 'function') return { ask: async (name) => await kind(name), close: () => {} }
  return nameServers(kind.servers)
}

async function askSystem(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address)
}

// One channel for all names: questions are datagrams that wait for nothing but their own answer.
function nameServers(servers: readonly string[] | null): Asker {
  let resolver: Resolver | undefined
  const open = () => {
    const opened = new Resolver({ timeout: perServerMs, tries: 3 })
    if (servers !== null) opened.setServers(servers)
    return opened
  }
  return {
    async ask(name) {
      resolver ??= open()
      return await bothFamilies([noneAsEmpty(resolver.resolve4(name)), noneAsEmpty(resolver.resolve6(name))])
    },
    close: () => resolver?.cancel(),
  }
}

// Waits for both, but not long for the second where the first has addresses. Rejects only where neither has any.
function bothFamilies(questions: readonly Promise<string[]>[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const found: string[][] = questions.map(() => [])
    let failure: unknown
    let open = questions.length
    let timer: NodeJS.Timeout | undefined
    const finish = () => {
      clearTimeout(timer)
      const addresses = found.flat()
      if (addresses.length > 0 || failure === undefined) resolve(addresses)
      else reject(failure)
    }
    const answered = () => {
      open -= 1
      if (open === 0) finish()
      else if (found.flat().length > 0) timer = setTimeout(finish, resolutionDelayMs)
    }
    for (const [index, question] of questions.entries()) {
      question
        .then(
          (addresses) => (found[index] = addresses),
          (error: unknown) => (failure = error),
        )
        .finally(answered)
    }
  })
}

// A name without addresses of one family has been answered for.
async function noneAsEmpty(question: Promise<string[]>): Promise<string[]> {
  try {
    return await question
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENODATA') return []
    throw error
  }
}

async function within(
  timeoutMs: number,
  name: string,
  question: Promise<readonly string[]>,
): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([question, expired])
  } catch (error) {
    throw new NameNotResolved(`The name ${name} could not be resolved.`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}
