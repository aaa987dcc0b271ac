import { type BullMqConnected, clientOf } from './bullmq-classes.ts'

const nothingLost = 'No delivery is lost by that: storage has them all, and the sweeper finds what no hint tells of.'

/** What Redis keeps over a restart: all (`appendonly`), up to its last snapshot, nothing, or it does not say. */
export type RedisDurability = 'appendonly' | 'snapshots' | 'none' | 'unknown'

const warnings: Readonly<Record<Exclude<RedisDurability, 'appendonly'>, string>> = {
  snapshots: `This Redis keeps its last snapshot over a restart and loses what came after it (appendonly no). ${nothingLost} Other queues in it have no such safety net.`,
  none: `This Redis keeps nothing over a restart (appendonly no, no save points). ${nothingLost} Other queues in it have no such safety net.`,
  unknown: `Whether this Redis keeps anything over a restart could not be checked, since it does not let CONFIG be used. ${nothingLost}`,
}

/** Warns of a Redis that forgets. Never rejects; waits for the connection as long as it takes. */
export async function warnUnlessDurable(connected: BullMqConnected): Promise<void> {
  try {
    const durability = await redisDurability(await clientOf(connected))
    if (durability === 'appendonly') return
    process.emitWarning(warnings[durability], { type: 'PosthornWarning', code: 'POSTHORN_REDIS_DURABILITY' })
  } catch {
    // The connection was closed before it was asked, and has said so by its own errors.
  }
}

/** Asks Redis how durable it is. */
export async function redisDurability(client: object): Promise<RedisDurability> {
  const info = 'info' in client && typeof client.info === 'function' ? String(await client.info()) : ''
  if (/^aof_enabled:1/m.test(info)) return 'appendonly'
  const appendonly = await setting(client, 'appendonly')
  if (appendonly === 'yes') return 'appendonly'
  const save = await setting(client, 'save')
  if (appendonly === undefined || save === undefined) return 'unknown'
  return save === '' ? 'none' : 'snapshots'
}

/** One setting, or undefined where Redis, or the client, does not give it. */
async function setting(client: object, name: string): Promise<string | undefined> {
  if (!('config' in client) || typeof client.config !== 'function') return undefined
  try {
    const answer: unknown = await client.config('GET', name)
    const value: unknown = Array.isArray(answer) ? answer[1] : undefined
    return typeof value === 'string' ? value : undefined
  } catch {
    // Managed Redis forbids CONFIG, or has renamed it.
    return undefined
  }
}
