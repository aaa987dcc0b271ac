import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { PosthornError } from 'posthorn'
import { emptyDocument, type Document } from './document.ts'

/**
 * The document and its file. What is held in memory is the document's bytes: each call works on a document made from them, so it
 * shares nothing with its caller, and one that throws half-way has changed nothing.
 */
export class DocumentFile {
  readonly #path: string
  #bytes: Buffer | null = null

  constructor(path: string) {
    this.#path = path
  }

  open(): void {
    this.#bytes ??= readIfThere(this.#path) ?? serialize(emptyDocument())
  }

  close(): void {
    this.#bytes = null
  }

  read<T>(work: (document: Document) => T): T {
    return work(parse(this.#opened()))
  }

  /** Runs `work` and puts on the disk what it changed: all of it, or nothing. */
  write<T>(work: (document: Document) => T): T {
    const before = this.#opened()
    const document = parse(before)
    const result = work(document)
    const after = serialize(document)
    if (!after.equals(before)) replaceFile(this.#path, after)
    this.#bytes = after
    return result
  }

  #opened(): Buffer {
    if (this.#bytes !== null) return this.#bytes
    throw new PosthornError('STORAGE_UNAVAILABLE', 'The file storage is not open: call open() first.')
  }
}

function parse(bytes: Buffer): Document {
  return deserialize(bytes) as Document // bytes become types: nobody else writes the file
}

function readIfThere(path: string): Buffer | null {
  try {
    const bytes = readFileSync(path)
    parse(bytes)
    return bytes
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw new PosthornError('STORAGE_UNAVAILABLE', `The file ${path} cannot be read.`, { cause: error })
  }
}

// A crash leaves the old file or the new one: written beside it, flushed, renamed over it, and the folder flushed.
function replaceFile(path: string, bytes: Buffer): void {
  try {
    const file = openSync(`${path}.new`, 'w', 0o600)
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(`${path}.new`, path)
    const folder = openSync(dirname(path), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch (error) {
    throw new PosthornError('STORAGE_FAILED', `The file ${path} cannot be written; nothing was changed.`, {
      cause: error,
    })
  }
}
