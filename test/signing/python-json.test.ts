import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pythonJson } from '../../src/signing/python-json.ts'
import { runPython, skipsPython } from './python.ts'

const dumpSorted = `
import json, sys
for line in sys.stdin:
    print(json.dumps(json.loads(line), sort_keys=True))
`

describe('pythonJson', () => {
  it.each([
    [{ b: 1, a: [1, 2, { d: null, c: true }] }, '{"a": [1, 2, {"c": true, "d": null}], "b": 1}'],
    [[], '[]'],
    [{}, '{}'],
    [[[], {}, ''], '[[], {}, ""]'],
    [null, 'null'],
    ['é😀\u2028', '"\\u00e9\\ud83d\\ude00\\u2028"'],
    ['\u007f\u0000\b\f\n\r\t"\\/\u001f', '"\\u007f\\u0000\\b\\f\\n\\r\\t\\"\\\\/\\u001f"'],
    ['\ud800', '"\\ud800"'],
    [{ '\u{1f600}': 1, '\uff5e': 2, a: 3 }, '{"a": 3, "\\uff5e": 2, "\\ud83d\\ude00": 1}'],
    [{ '\ud83dx': 1, '\ud83d\ude00': 2, '\ue000': 3 }, '{"\\ud83dx": 1, "\\ue000": 3, "\\ud83d\\ude00": 2}'],
    [{ 10: 1, 9: 2, a: 3, aa: 4, '': 5 }, '{"": 5, "10": 1, "9": 2, "a": 3, "aa": 4}'],
    [[1e-7, 1e-5, 0.0001, 0.00012345, 1.5e-10, -1e-5], '[1e-07, 1e-05, 0.0001, 0.00012345, 1.5e-10, -1e-05]'],
    [
      [1e21, 1e16, 1.5e300, 5e-324, 1.7976931348623157e308],
      '[1e+21, 10000000000000000, 1.5e+300, 5e-324, 1.7976931348623157e+308]',
    ],
    [[-0, 0.1, 123456789.125, 2 ** 53, -1.5], '[0, 0.1, 123456789.125, 9007199254740992, -1.5]'],
    [[Number.NaN, Infinity, -Infinity], '[null, null, null]'],
  ])('writes %j', (value, text) => {
    expect(pythonJson(value)).toBe(text)
  })

  it('sees values as JSON.stringify does', () => {
    const value = {
      at: new Date(0),
      gone: undefined,
      call: () => 1,
      list: [undefined, Symbol('x')],
      boxed: Object('x') as unknown,
    }
    expect(pythonJson(value)).toBe('{"at": "1970-01-01T00:00:00.000Z", "boxed": "x", "list": [null, null]}')
    expect(pythonJson({ toJSON: () => ({ b: 1, a: 2 }) })).toBe('{"a": 2, "b": 1}')
  })

  it('keeps members named __proto__', () => {
    expect(pythonJson(JSON.parse('{"b":1,"__proto__":{"a":1}}'))).toBe('{"__proto__": {"a": 1}, "b": 1}')
  })

  it.each([[undefined], [() => 1], [Symbol('x')], [10n], [{ toJSON: () => undefined }]])(
    'refuses %s, which has no JSON form',
    (value) => {
      expect(() => pythonJson(value)).toThrow(TypeError)
    },
  )

  it('refuses a cycle', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    expect(() => pythonJson(cycle)).toThrow(TypeError)
  })

  it('follows nesting as deep as JSON.stringify does', () => {
    const depth = 2000
    const deep: unknown = JSON.parse('{"a":['.repeat(depth) + ']}'.repeat(depth))
    expect(pythonJson(deep)).toBe('{"a": ['.repeat(depth) + ']}'.repeat(depth))
  })

  it.skipIf(skipsPython)('writes what python3 writes, which python3 writes again', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: loneUnits }),
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, depthSize: 'small' },
        fc.oneof(fc.double(), fc.integer(), decimals, text, fc.boolean(), fc.constant(null)),
        fc.array(tie('value'), { maxLength: 6 }),
        fc.dictionary(text, tie('value'), { maxKeys: 8 }),
      ),
    }))
    const values = fc.sample(value, 4000)
    const floats = fc.sample(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), decimals), 4000)
    const cases = [...values, ...floats]
    const ours = cases.map((each) => pythonJson(each))
    expect(
      runPython(
        dumpSorted,
        cases.map((each) => JSON.stringify(each)),
      ),
    ).toEqual(ours)
    expect(runPython(dumpSorted, ours)).toEqual(ours)
  })
})

const loneUnits = fc.constantFrom(
  '\ud800',
  '\udbff',
  '\udc00',
  '\udfff',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u007f',
  '\u0080',
  'a',
)

// Powers of ten around where the two languages change notation, with few and many digits.
const decimals = fc
  .tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.integer({ min: -30, max: 30 }))
  .map(([digits, exponent]) => Number(`${digits}e${exponent}`))
