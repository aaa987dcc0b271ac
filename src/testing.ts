export { idempotencyConformance } from './receiver/conformance/idempotency-conformance.ts'
export type { IdempotencyConformanceAdapter } from './receiver/conformance/idempotency-conformance-adapter.ts'
export { storageConformance } from './storage/conformance/conformance.ts'
export type { ConformanceAdapter, ConformanceRunner } from './storage/conformance/conformance-adapter.ts'
