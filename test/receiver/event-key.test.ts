import { describe, expect, it } from 'vitest'
import { eventKey } from '../../src/receiver/event-key.ts'

describe('eventKey', () => {
  it.each(['a', '/'.repeat(256), '\u20ac'.repeat(85), '\u20ac'.repeat(86), '\u20ac'.repeat(256), 'x'.repeat(100_000)])(
    'keeps to the 900 printable characters that a store is promised',
    async (id) => {
      expect(await eventKey('standard-webhooks', id)).toMatch(/^[!-z|~]{1,900}$/)
    },
  )

  it('tells long ids apart', async () => {
    const id = '\u20ac'.repeat(200)
    expect(await eventKey('s', `${id}1`)).not.toBe(await eventKey('s', `${id}2`))
  })
})
