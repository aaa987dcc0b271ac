export { bullmqTransport, type BullmqTransportOptions } from './transport/bullmq-transport.ts'
export type {
  BullMq,
  BullMqBackend,
  BullMqConnected,
  BullMqJob,
  BullMqKept,
  BullMqNewJob,
  BullMqOptions,
  BullMqQueue,
  BullMqWorker,
} from './transport/bullmq-classes.ts'
export type {
  Hint,
  HintPublisher,
  HintSubscriber,
  HintSubscription,
  Transport,
  TransportListener,
} from './delivery/transport.ts'
