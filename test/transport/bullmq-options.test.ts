import { bullmqTransport } from 'posthorn/bullmq'
import { describe, expect, it } from 'vitest'

const connection = { host: '127.0.0.1', port: 1 }

describe('bullmqTransport', () => {
  it.each([
    [undefined, /needs \{ connection \}/],
    [null, /needs \{ connection \}/],
    [{}, /connection must be/],
    [{ connection: null }, /connection must be .* not null/],
    [{ connection: 'redis://localhost' }, /connection must be .* not string/],
    [{ connection, queue: 'a' }, /no option queue; known are connection, queueName/],
    [{ connection, queueName: 'a:b' }, /queueName must be .*without colons, not "a:b"/],
    [{ connection, queueName: '' }, /queueName/],
    [{ connection, prefix: '' }, /prefix/],
    [{ connection, prefix: 5 }, /prefix .* not number/],
    [{ connection, keepJobs: '5' }, /keepJobs must be a number/],
    [{ connection, maxDelayMs: '5' }, /maxDelayMs must be a number/],
    [{ connection, checkDurability: 'no' }, /checkDurability must be true or false/],
    [{ connection, bullmq: {} }, /bullmq must be the module/],
    [{ connection, bullmq: 5 }, /bullmq must be the module/],
  ])('refuses %o with a TypeError', (options, message) => {
    const create = () => Reflect.apply(bullmqTransport, undefined, [options])
    expect(create).toThrow(TypeError)
    expect(create).toThrow(message)
  })

  it.each([
    [{ keepJobs: -1 }, /keepJobs must be an integer from 0 to 1000000, not -1/],
    [{ keepJobs: 0.5 }, /keepJobs/],
    [{ maxDelayMs: Number.NaN }, /maxDelayMs/],
    [{ maxDelayMs: 2_592_000_001 }, /maxDelayMs/],
  ])('refuses %o with a RangeError', (options, message) => {
    const create = () => bullmqTransport({ connection, ...options })
    expect(create).toThrow(RangeError)
    expect(create).toThrow(message)
  })

  it('connects nowhere by itself', () => {
    expect(bullmqTransport({ connection }).name).toBe('bullmq')
  })
})
