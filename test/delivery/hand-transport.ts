import type { Hint, HintPublisher, HintSubscriber, Transport } from 'posthorn'

/** A transport that hands nothing on by itself: the test does. */
export function handTransport(publisher: Partial<HintPublisher> = {}) {
  const published: Hint[] = []
  const state: { subscriber?: HintSubscriber; connected: number; closed: number } = { connected: 0, closed: 0 }
  const transport: Transport = {
    name: 'hand',
    connect: () => {
      state.connected++
      return {
        publish: async (hints) => void published.push(...hints),
        isPaused: async () => false,
        close: async () => void state.closed++,
        ...publisher,
      }
    },
    subscribe: (subscriber) => {
      state.subscriber = subscriber
      return { end: () => undefined, close: async () => undefined }
    },
  }
  return { transport, published, state, receive: async (id: unknown) => await state.subscriber?.receive(id) }
}
