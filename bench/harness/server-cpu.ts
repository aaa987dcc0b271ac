import { readdirSync, readFileSync } from 'node:fs'

// What the services of the contenders are called in Linux.
const servers = ['(postgres)', '(redis-server)']
// In Linux a tick is a hundredth of a second on every machine that Node runs on.
const ticksPerSecond = 100

/** The CPU seconds that each process of the database servers has taken, by process; empty where it cannot be read. */
export function serverCpu(): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>()
  for (const pid of processes()) {
    const stat = statOf(pid)
    if (!servers.some((name) => stat.includes(name))) continue
    // proc(5): user and system time are fields 14 and 15, of which the name, which may have spaces, is the second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    seconds.set(pid, (Number(fields[11]) + Number(fields[12])) / ticksPerSecond)
  }
  return seconds
}

/** What was taken since; not a number where it cannot be read. A process that has ended since is left out. */
export function serverCpuSince(before: ReadonlyMap<string, number>): number {
  const now = serverCpu()
  if (now.size === 0) return Number.NaN
  let sum = 0
  for (const [pid, seconds] of now) sum += seconds - (before.get(pid) ?? 0)
  return sum
}

function processes(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return [] // No Linux.
  }
}

function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return '' // It has ended meanwhile.
  }
}
