import { clockJumps } from './clock-jumps.ts'
import { deadWebhook } from './dead-webhook.ts'
import { fullDisk } from './full-disk.ts'
import { longSchedule } from './long-schedule.ts'
import { misbehavingReceivers } from './misbehaving.ts'
import { postgresOutage } from './postgres-outage.ts'
import { scenario, type Scenario } from './scenario.ts'

/** What happens around a process: databases, disks and clocks that fail, and receivers that never answer. */
export const environmentScenarios: readonly Scenario[] = [
  scenario({
    name: 'postgres-outage',
    title: 'Postgres behind a connection that went silent, and stopped: the host recovers',
    place: 'waiting',
    full: { awayMs: 10_000, statementTimeoutMs: 10_000 },
    short: { awayMs: 3_000, statementTimeoutMs: 3_000 },
    run: postgresOutage,
  }),
  scenario({
    name: 'clock-jumps',
    title: 'Clock jumps of 2 h and 25 h: nothing is lost, nothing is stuck',
    place: 'waiting',
    full: { betweenMs: 6_000, lookEveryMs: 5_000 },
    short: { betweenMs: 800, lookEveryMs: 200 },
    run: clockJumps,
  }),
  scenario({
    name: 'full-disk',
    title: 'SQLite on a full disk: dispatch rejects, nothing accepted is lost, and it goes on when there is room',
    full: { rounds: 10 },
    short: { rounds: 2 },
    run: fullDisk,
  }),
  scenario({
    name: 'long-schedule',
    title: 'standardSchedule to its end: each wait within its jitter',
    full: { deliveries: 10_000 },
    short: { deliveries: 500 },
    run: longSchedule,
  }),
  scenario({
    name: 'dead-webhook',
    title: 'One dead webhook with a large backlog on Postgres: all others are delivered, and not much later',
    place: 'alone',
    full: { webhooks: 2_000, healthy: 40_000, dead: 300_000, parked: 1_000_000, longestRunMs: 90_000 },
    short: { webhooks: 100, healthy: 2_000, dead: 15_000, parked: 50_000, longestRunMs: 20_000 },
    run: deadWebhook,
  }),
  scenario({
    name: 'misbehaving-receivers',
    title: 'Receivers that misbehave: bounded time, bounded memory, nothing left',
    place: 'alone',
    full: { rounds: 60 },
    short: { rounds: 6 },
    run: misbehavingReceivers,
  }),
]
