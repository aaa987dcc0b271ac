import { describe, expect, it } from 'vitest'
import { LaneRotation } from '../../../src/storage/sqlite/lane-rotation.ts'

function rotationOver(lanes: string[]) {
  const rotation = new LaneRotation((after) => lanes.find((lane) => lane > after) ?? null)
  const look = (limit: number) => {
    const probe = rotation.probe(limit)
    while (probe.next().done !== true);
    return rotation.idle(1000)
  }
  return { lanes, look, restart: () => rotation.restart() }
}

describe('LaneRotation', () => {
  it('says when the first lane opens once a whole round found nothing', () => {
    const { look } = rotationOver(['a', 'b', 'c'])
    expect([look(1), look(1), look(1), look(1)]).toContainEqual({ wakeAt: 1000 })
  })

  it('ends a round also where the lane at which it began has gone', () => {
    const { lanes, look, restart } = rotationOver(['a', 'b', 'c', 'd'])
    look(4)
    restart() // the next round begins at d
    lanes.splice(1)
    const looks = Array.from({ length: 10 }, () => look(1))
    expect(looks).toContainEqual({ wakeAt: 1000 })
  })
})
