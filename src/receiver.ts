export { memoryIdempotency, type MemoryIdempotencyOptions } from './receiver/idempotency/memory-idempotency.ts'
export { redisIdempotency, type RedisIdempotencyOptions } from './receiver/idempotency/redis-idempotency.ts'
