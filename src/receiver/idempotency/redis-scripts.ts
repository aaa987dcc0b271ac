/**
 * The scripts of the Redis store; Redis runs each without anything in between. An event is a hash, kept for as long as the event
 * is: `state`, `lease`, `until` (when the lease ends), `print`, `record`, `attempt`, `expires`. `answer`. `lapsing` is a sorted set of the ids that
 * have a record, by the end of their leases. Times are milliseconds since the epoch by the server's clock.
 *
 * KEYS[1] is the event, KEYS[2] the sorted set; both have the scope as their hash tag, so that a cluster keeps them together.
 */
export type RedisScript = (now: string) => string

/** The time by the server's clock. */
export const serverTime = `(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()`

/** ARGV: lease, leaseMs, keepMs, fingerprint, id, record or ''. Answers status, fingerprint, and attempt, time left or answer. */
export const reserveScript: RedisScript = (now) => `${begin(now)}
local count = 0
local print = ARGV[4]
if event.state and tonumber(event.expires) > now then
  print = event.print
  if event.state == 'completed' then return {'completed', print, event.answer or false} end
  if tonumber(event['until']) > now then return {'in-flight', print, tonumber(event['until']) - now} end
  count = tonumber(event.attempt)
end
local ends = now + tonumber(ARGV[2])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'reserved', 'lease', ARGV[1], 'until', whole(ends), 'print', print,
  'attempt', whole(count + 1), 'expires', whole(now + tonumber(ARGV[3])), 'record', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if ARGV[6] == '' then
  redis.call('ZREM', KEYS[2], ARGV[5])
else
  redis.call('ZADD', KEYS[2], whole(ends), ARGV[5])
  if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
end
return {'reserved', print, count + 1}`

/** ARGV: lease, keepMs, fingerprint, id, and the answer where there is one. Answers 1 or 0. */
export const completeScript: RedisScript = (now) => `${begin(now)}
local print = ARGV[3]
if event.state and tonumber(event.expires) > now then
  if event.state == 'completed' then return 0 end
  if event.lease ~= ARGV[1] and tonumber(event['until']) > now then return 0 end
  print = event.print
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'completed', 'print', print, 'expires', whole(now + tonumber(ARGV[2])))
if ARGV[5] then redis.call('HSET', KEYS[1], 'answer', ARGV[5]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[4])
return 1`

/** ARGV: lease, id. Answers 1 or 0. */
export const releaseScript: RedisScript = (now) => `${begin(now)}
if event.state ~= 'reserved' or event.lease ~= ARGV[1] or tonumber(event.expires) <= now then return 0 end
if event.record == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'until', whole(now))
  redis.call('ZADD', KEYS[2], whole(now), ARGV[2])
end
return 1`

/** KEYS[1] is the events' prefix here. ARGV: lease, leaseMs, limit. Answers id, attempt, fingerprint, record of each. */
export const claimLapsedScript: RedisScript = (now) => `
local function whole(n) return string.format('%.0f', n) end
local now = ${now}
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', whole(now), 'LIMIT', 0, ARGV[3])) do
  local key = KEYS[1] .. id
  local state, print, record, attempt, expires =
    unpack(redis.call('HMGET', key, 'state', 'print', 'record', 'attempt', 'expires'))
  if state == 'reserved' and tonumber(expires) > now then
    local ends = whole(now + tonumber(ARGV[2]))
    redis.call('HSET', key, 'lease', ARGV[1], 'until', ends, 'attempt', whole(tonumber(attempt) + 1))
    redis.call('ZADD', KEYS[2], ends, id)
    found[#found + 1] = {id, tonumber(attempt) + 1, print, record}
  else
    redis.call('ZREM', KEYS[2], id)
  end
end
return found`

// Numbers are written with %.0f: Lua would write 1.7e+12.
function begin(now: string): string {
  return `
local function whole(n) return string.format('%.0f', n) end
local now = ${now}
local event = {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do event[fields[i]] = fields[i + 1] end`
}
