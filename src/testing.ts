export { storageConformance } from './storage/conformance/conformance.ts'
export type { ConformanceAdapter, ConformanceRunner } from './storage/conformance/conformance-adapter.ts'
