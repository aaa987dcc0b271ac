import { delivery } from './delivery.ts'
import { fanOut } from './fan-out.ts'
import { growth } from './growth.ts'
import type { Benchmark } from './harness/benchmark.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { noisyNeighbour } from './noisy-neighbour.ts'
import { peers } from './peers.ts'
import { processes } from './processes.ts'
import { signatures } from './signatures.ts'
import { size } from './size.ts'

/** Every benchmark, in the order they are run. */
export const benchmarks: readonly Benchmark[] = [
  delivery,
  peers,
  fanOut,
  growth,
  processes,
  signatures,
  latency,
  memory,
  size,
  noisyNeighbour,
]
