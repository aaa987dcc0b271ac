import { describe, expect, it } from 'vitest'
import { LaneRotation } from '../../../src/storage/sqlite/lane-rotation.ts'

function rotationOver(lanes: string[]) {
  const rotation = new LaneRotation()
  const next = (after: string, upTo: string, count: number) =>
    lanes
      .filter((lane) => lane > after && lane <= upTo)
      .slice(0, count)
      .map((webhookId) => ({ webhookId }))
  const look = (limit: number) => {
    const probe = rotation.probe(limit, 1, next)
    while (probe.next().done !== true);
    return rotation.idle(1000)
  }
  return { lanes, next, look, restart: () => rotation.restart() }
}

describe('LaneRotation', () => {
  for (const ahead of [1, 2, 5]) {
    it(`gives each lane its turn where ${ahead} are read at once, and says once all were met`, () => {
      const { next } = rotationOver(['a', 'b', 'c', 'd', 'e'])
      const rotation = new LaneRotation()
      const probe = (limit: number) => {
        const lanes: string[] = []
        const each = rotation.probe(limit, ahead, next)
        let step = each.next()
        for (; step.done !== true; step = each.next()) lanes.push(step.value.webhookId)
        return [lanes.join(''), step.value]
      }
      expect([probe(2), probe(4), probe(5), probe(6)]).toEqual([
        ['ab', false],
        ['cdea', false],
        ['bcdea', true],
        ['bcdea', true],
      ])
    })
  }

  it('says when the first lane opens once a whole round found nothing', () => {
    const { look } = rotationOver(['a', 'b', 'c'])
    expect([look(1), look(1), look(1), look(1)]).toContainEqual({ wakeAt: 1000 })
  })

  it('comes to an end where nothing is to be read ahead', () => {
    const { next } = rotationOver(['a', 'b', 'c'])
    let reads = 0
    const counted = (after: string, upTo: string, count: number) => {
      if (++reads > 10) throw new Error('It reads without end.')
      return next(after, upTo, count)
    }
    const found = [...new LaneRotation().probe(5, 0, counted)]
    expect(found.map(({ webhookId }) => webhookId)).toEqual(['a', 'b', 'c'])
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
