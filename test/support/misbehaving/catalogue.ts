import { brokenBodies } from './broken-bodies.ts'
import { brokenConnections } from './broken-connections.ts'
import { brokenFraming } from './broken-framing.ts'
import { brokenTls } from './broken-tls.ts'
import type { Misbehaviour } from './misbehaviour.ts'

/** Every way in which our receivers misbehave. */
export const misbehaviours: readonly Misbehaviour[] = [
  ...brokenConnections,
  ...brokenFraming,
  ...brokenBodies,
  ...brokenTls,
]
