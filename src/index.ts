export { defineEvents } from './domain/catalogue.ts'
export type { EventCatalogue, EventInputs, EventSchemas } from './domain/catalogue.ts'
export type { Clock } from './domain/clock.ts'
export type {
  Attempt,
  AttemptErrorCode,
  AttemptTrigger,
  Delivery,
  DeliveryState,
  Page,
  WebhookEvent,
} from './domain/delivery.ts'
export { PosthornError } from './domain/error.ts'
export type { Issue, PosthornErrorCode, PosthornErrorOptions } from './domain/error.ts'
export type {
  DeliveryAttempted,
  DeliveryBlocked,
  DeliveryFailed,
  DeliveryRef,
  DeliverySucceeded,
  LifecycleEvents,
  LifecycleListener,
  WebhookDisabled,
  WorkerError,
} from './domain/lifecycle.ts'
export type {
  SchemaInput,
  StandardFailure,
  StandardIssue,
  StandardPathSegment,
  StandardProperties,
  StandardResult,
  StandardSchema,
  StandardSuccess,
  StandardTypes,
} from './domain/standard-schema.ts'
export type { Webhook, WebhookWithSecret } from './domain/webhook.ts'
export { ipaScheme } from './signing/schemes/ipa.ts'
export { standardWebhooks } from './signing/schemes/standard-webhooks.ts'
export type { Scheme, SignatureLayout, SignedMessage } from './signing/scheme.ts'
export { generateSecret } from './signing/secret.ts'
export { Signer } from './signing/signer.ts'
export type { SignerOptions, SignInput } from './signing/signer.ts'
export { Verifier } from './signing/verifier.ts'
export type { VerifierOptions, VerifyOptions } from './signing/verifier.ts'
export type { HeadersInput } from './signing/header-reader.ts'
export type { VerifiedWebhook } from './signing/verified-webhook.ts'
export type { RawRequest, VerifyInput } from './signing/verify-input.ts'
export { memoryStorage, type MemoryStorageOptions } from './storage/memory/memory-storage.ts'
export type {
  BulkQuery,
  CancelQuery,
  ClaimNew,
  ClaimQuery,
  DeliveryFilter,
  EnqueueOptions,
  ListAttempts,
  ListDeliveries,
  ListEvents,
  ListWebhooks,
  MatchWebhooks,
  OverdueQuery,
  PageQuery,
  PurgeQuery,
  RequeueQuery,
  StatsQuery,
  TransactionOptions,
  WebhookMatch,
} from './storage/query.ts'
export type {
  ContinueSettlement,
  FailedSettlement,
  LeaseRef,
  NewAttempt,
  ReleaseSettlement,
  RetrySettlement,
  Settled,
  Settlement,
  SucceededSettlement,
} from './storage/settlement.ts'
export type {
  BulkResult,
  Claimed,
  ClaimResult,
  Enqueued,
  EnqueueResult,
  NewDelivery,
  NewEvent,
  PurgeResult,
  Storage,
  StorageStats,
  StorageWatcher,
  StoredWebhook,
  WebhookPatch,
} from './storage/storage.ts'
export type { AddressBlock, AddressBlockCode } from './registry/address-policy/address-block.ts'
export type { AddressOptions, NameServers, ResolveName } from './registry/address-policy/address-options.ts'
export type { AddressPolicy } from './registry/address-policy/address-policy.ts'
export { WebhookRegistry } from './registry/webhook-registry.ts'
export type { CreateWebhookOptions, ListWebhooksQuery, WebhookRegistryOptions } from './registry/webhook-registry.ts'
export type { TenantScope } from './registry/scope.ts'
export type { Encryption, SealContext } from './registry/encryption.ts'
export { keyring, type Keyring } from './registry/keyring.ts'
export type { ResealOptions, ResealResult } from './registry/reseal.ts'
export type { HeaderChanges } from './registry/custom-headers.ts'
export type { RotateOptions } from './registry/rotation.ts'
export type { CreateWebhookInput, ReplaceWebhookInput, UpdateWebhookInput } from './registry/webhook-input.ts'
export { EventDispatcher } from './delivery/event-dispatcher.ts'
export type {
  DeliveryWithAttempts,
  RunOnceOptions,
  StopOptions,
  TestResult,
  WaitOptions,
} from './delivery/event-dispatcher.ts'
export type {
  DispatchInput,
  DispatchManyResult,
  DispatchOptions,
  DispatchResult,
  TransactionScope,
} from './delivery/intake.ts'
export type { RunResult } from './delivery/worker.ts'
export type { ListDeliveriesQuery } from './delivery/delivery-log.ts'
export type { EnvelopeInput, EventDispatcherOptions } from './delivery/dispatcher-options.ts'
export type {
  Hint,
  HintPublisher,
  HintSubscriber,
  HintSubscription,
  Transport,
  TransportListener,
} from './delivery/transport.ts'
export { standardSchedule } from './delivery/retry-policy.ts'
export type { AttemptFailure, RetryOptions } from './delivery/retry-policy.ts'
