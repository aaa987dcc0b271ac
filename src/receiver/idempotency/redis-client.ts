/**
 * A Redis client, as far as it is used: anything that sends one command and resolves to its reply. ioredis has `call`,
 * node-redis `sendCommand`, Bun's client `send`.
 */
export type RedisClient = IoredisClient | NodeRedisClient | BunRedisClient

/** What is used of a client of ioredis. */
export interface IoredisClient {
  /** Sends one command. */
  call(command: string, ...args: string[]): Promise<unknown>
}

/** What is used of a client of node-redis (the package `redis`). */
export interface NodeRedisClient {
  /** Sends one command, its name first. */
  sendCommand(command: string[]): Promise<unknown>
}

/** What is used of a client of Bun. */
export interface BunRedisClient {
  /** Sends one command. */
  send(command: string, args: string[]): Promise<unknown>
}

/** Sends one command, its name first. */
export type SendCommand = (command: readonly [string, ...string[]]) => Promise<unknown>

/** Makes one shape of all clients. */
export function toSendCommand(client: RedisClient): SendCommand {
  // `call` first: ioredis has a sendCommand too, which takes a Command of its own.
  if (hasMethod(client, 'call')) return async ([name, ...args]) => await client.call(name, ...args)
  if (hasMethod(client, 'sendCommand')) return async (command) => await client.sendCommand([...command])
  if (hasMethod(client, 'send')) return async ([name, ...args]) => await client.send(name, args)
  throw new TypeError(
    'redisIdempotency: client must be a client of ioredis, of node-redis or of Bun, and be connected.',
  )
}

function hasMethod<Name extends string>(
  client: unknown,
  name: Name,
): client is Extract<RedisClient, Readonly<Record<Name, unknown>>> {
  return typeof client === 'object' && client !== null && typeof Reflect.get(client, name) === 'function'
}
