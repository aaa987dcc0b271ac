import { existsSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { vi } from 'vitest'

const deep = { depth: 12, showHidden: true, getters: true, maxStringLength: null, maxArrayLength: null } as const

/** Prints a thing in every way that a log would. */
export function printed(thing: unknown): string {
  return `${inspect(thing, deep)}\n${json(thing)}`
}

/** A receiver that keeps every byte it gets, and answers with a status and an echo of the request, or (0) hangs up. */
export async function startWire(statuses: readonly number[]) {
  const chunks: Buffer[] = []
  let requests = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      const status = statuses[requests++ % statuses.length] ?? 204
      if (status === 0) return socket.destroy()
      const echo = status === 204 ? '' : chunk.toString('latin1').replaceAll(/[^\n -~]/g, '')
      const head = `HTTP/1.1 ${status} x\r\ncontent-length: ${Buffer.byteLength(echo)}\r\nconnection: close`
      socket.end(`${head}\r\n\r\n${echo}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, // a TCP server has an AddressInfo
    bytes: () => Buffer.concat(chunks),
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

/** Keeps what is printed until it is ended. */
export function captureOutput() {
  const lines: string[] = []
  const keep = (...args: unknown[]) => void lines.push(printed(args))
  const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation(keep),
  )
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(keep)
  return { text: () => lines.join('\n'), end: () => [...spies, warned].forEach((spy) => spy.mockRestore()) }
}

/** The bytes of a SQLite database, all of its files. */
export function databaseOf(file: string): [string, Buffer][] {
  const files = [file, `${file}-wal`, `${file}-shm`].filter((path) => existsSync(path))
  return files.map((path) => [path.slice(path.lastIndexOf('.')), readFileSync(path)])
}

function json(thing: unknown): string {
  try {
    return JSON.stringify(thing) ?? ''
  } catch {
    return ''
  }
}
