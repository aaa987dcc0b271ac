import { describe, expect, it } from 'vitest'
import { decodeCursor, decodeNumberCursor, pageOf } from '../../src/storage/cursor.ts'

const id = '019b7600-0000-7000-8000-00000000000a'

describe('decodeCursor', () => {
  it('reads an id, and no cursor as the first page', () => {
    expect(decodeCursor(id)).toBe(id)
    expect(decodeCursor(undefined)).toBeNull()
  })

  it.each(['', 'x', `${id} `, ` ${id.slice(1)}`, id.toUpperCase(), id.replace('-', '0'), `${id.slice(0, 35)}g`, '3'])(
    'refuses %j',
    (cursor) => {
      expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }))
    },
  )

  it('refuses what is no text at all', () => {
    // What a query-string parser makes of ?cursor[]=…
    expect(() => decodeCursor(Array.from(id) as unknown as string)).toThrow(
      expect.objectContaining({ code: 'CURSOR_INVALID' }),
    )
  })
})

describe('decodeNumberCursor', () => {
  it('reads a number, and no cursor as the first page', () => {
    expect(decodeNumberCursor('12')).toBe(12)
    expect(decodeNumberCursor(undefined)).toBeNull()
  })

  it.each(['', ' 1', '0', '-1', '1.5', '01', '1e3', '0x10', 'NaN', 'Infinity', '9007199254740993', id])(
    'refuses %j',
    (cursor) => {
      expect(() => decodeNumberCursor(cursor)).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }))
    },
  )
})

describe('pageOf', () => {
  it('gives a cursor only where another row follows', () => {
    expect(pageOf([1, 2, 3], 2, String)).toEqual({ data: [1, 2], nextCursor: '2' })
    expect(pageOf([1, 2], 2, String)).toEqual({ data: [1, 2], nextCursor: null })
    expect(pageOf([], 2, String)).toEqual({ data: [], nextCursor: null })
  })
})
