export { defineEvents, type EventCatalogue, type EventSchemas } from './domain/catalogue.ts'
export { type Issue, PosthornError, type PosthornErrorCode, type PosthornErrorOptions } from './domain/error.ts'
export type { SchemaOutput, StandardSchema } from './domain/standard-schema.ts'
export {
  type FastifyPluginOptions,
  type FastifyReplyLike,
  type FastifyRequestLike,
  type FastifyRoute,
  type FastifyScope,
  toFastifyPlugin,
} from './receiver/bridges/fastify-plugin.ts'
export {
  type KoaContext,
  type KoaMiddleware,
  type KoaMiddlewareOptions,
  toKoaMiddleware,
} from './receiver/bridges/koa-middleware.ts'
export { type LambdaResult, toLambdaHandler } from './receiver/bridges/lambda-handler.ts'
export type { LambdaEvent } from './receiver/bridges/lambda-request.ts'
export type { NodeResponseLike } from './receiver/bridges/node-exchange.ts'
export { type NodeHandler, toExpressHandler, toNestHandler, toNodeHandler } from './receiver/bridges/node-handler.ts'
export type { NodeRequestLike } from './receiver/bridges/node-request.ts'
export { type Envelope, standardEnvelope } from './receiver/envelope.ts'
export { formEnvelope, type FormFields } from './receiver/form-envelope.ts'
export type { IdempotencyOptions } from './receiver/idempotency-options.ts'
export type {
  HeldReservation,
  IdempotencyStore,
  LapsedEvent,
  LapsedQuery,
  Reservation,
  ReservationKey,
  ReserveResult,
} from './storage/idempotency-store.ts'
export { memoryIdempotency, type MemoryIdempotencyOptions } from './receiver/idempotency/memory-idempotency.ts'
export type {
  BunRedisClient,
  IoredisClient,
  NodeRedisClient,
  RedisClient,
} from './receiver/idempotency/redis-client.ts'
export { redisIdempotency, type RedisIdempotencyOptions } from './receiver/idempotency/redis-idempotency.ts'
export type {
  FailureContext,
  Proof,
  ReceiveFlag,
  ReceiveOutcome,
  ReceiveResult,
  Rejection,
} from './receiver/outcome.ts'
export type { EventHandler, EventHandlers, HandlerContext, ReceivedEvent } from './receiver/received-event.ts'
export {
  createReceiver,
  type ReceiveContext,
  type Receiver,
  type RecoverOptions,
  type RecoverResult,
} from './receiver/receiver.ts'
export type { ReceiverOptions } from './receiver/receiver-options.ts'
export type { WebhookVerifier } from './receiver/webhook-verifier.ts'
export type { ChallengeRequest, Covered, HandshakeAnswer } from './signing/scheme.ts'
export type { VerifiedWebhook } from './signing/verified-webhook.ts'
export type { RawRequest, VerifyInput } from './signing/verify-input.ts'
