/**
 * Writes a value exactly as Python's `json.dumps(value, sort_keys=True)` writes what `json.loads` reads from
 * `JSON.stringify(value)`; loading and dumping the result in Python gives the same text again.
 */
export function pythonJson(payload: unknown): string {
  const json: string | undefined = JSON.stringify(payload)
  if (json === undefined)
    throw new TypeError(`A payload of type ${typeof payload} has no JSON form: give null or an object.`)
  // Through JSON.parse, so that toJSON, NaN and the rest are what they are in JSON, and "__proto__" is an ordinary key.
  return write(JSON.parse(json))
}

interface Frame {
  readonly close: string
  readonly entries: readonly (readonly [label: string, value: unknown])[]
  next: number
}

// A stack of our own: JSON.parse reads deeper nesting than recursion could follow.
function write(root: unknown): string {
  const parts: string[] = []
  const frames: Frame[] = []
  const open = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return void parts.push(scalar(value))
    parts.push(Array.isArray(value) ? '[' : '{')
    frames.push(frameOf(value))
  }
  open(root)
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const entry = frame.entries[frame.next]
    if (entry === undefined) {
      parts.push(frame.close)
      frames.pop()
      continue
    }
    parts.push(frame.next === 0 ? '' : ', ', entry[0])
    frame.next++
    open(entry[1])
  }
  return parts.join('')
}

function frameOf(value: object): Frame {
  if (Array.isArray(value)) return { close: ']', entries: value.map((element: unknown) => ['', element]), next: 0 }
  const members = Object.entries(value).toSorted(([left], [right]) => compareCodePoints(left, right))
  return { close: '}', entries: members.map(([key, member]) => [`${quoted(key)}: `, member]), next: 0 }
}

/** Compares as Python and Go do, by code point; `<` orders by UTF-16 unit, which puts U+1F600 before U+FF5E. */
export function compareCodePoints(left: string, right: string): number {
  let index = 0
  while (index < left.length && index < right.length) {
    const leftPoint = left.codePointAt(index) ?? 0
    const rightPoint = right.codePointAt(index) ?? 0
    if (leftPoint !== rightPoint) return leftPoint - rightPoint
    index += leftPoint > 0xffff ? 2 : 1
  }
  return left.length - right.length
}

function scalar(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  return typeof value === 'number' ? repr(value) : String(value)
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

// Both languages write the shortest digits that read back; they differ in when they use an exponent, and in its width.
function repr(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1e-4) return JSON.stringify(value)
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1')
}
