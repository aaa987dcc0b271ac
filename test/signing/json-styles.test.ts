import { describe, expect, it } from 'vitest'
import { jsonStyles } from '../../src/signing/json-styles.ts'
import measured from './json-writers.json' with { type: 'json' }

const parsedAndWritten = (text: string) => JSON.stringify(JSON.parse(text))
const styleNamed = (name: string, received: string) => jsonStyles(received).find((style) => style.name === name)?.text

describe('jsonStyles', () => {
  it.each(measured.writers)('writes as $layout of $version did', ({ layout, texts, differs = [] }) => {
    expect(texts).toHaveLength(measured.documents.length)
    const missed = [...texts.entries()].filter(([, text]) =>
      [parsedAndWritten(text), text].some((received) => styleNamed(layout, received) !== text),
    )
    expect(missed.map(([index]) => index)).toEqual(differs)
  })

  it.each([
    ['JSON.stringify of JavaScript', undefined],
    ['JSON.stringify of JavaScript with 2 spaces', 2],
    ['JSON.stringify of JavaScript with 4 spaces', 4],
    ['JSON.stringify of JavaScript with tabs', '\t'],
  ])('writes as %s does', (name, space) => {
    for (const document of measured.documents) {
      expect(styleNamed(name, document)).toBe(JSON.stringify(JSON.parse(document), null, space))
    }
  })

  it('measures every layout', () => {
    const known = new Set(measured.writers.map(({ layout }) => layout))
    const rest = jsonStyles('[]').filter(({ name }) => !/JavaScript| and /.test(name) && !known.has(name))
    expect(rest).toEqual([])
  })

  it('leaves numbers as they came, so it does not find those that a parser changed', () => {
    const texts = measured.numbers.writers.flatMap((writer) => writer.texts)
    for (const text of new Set(texts)) {
      const found = jsonStyles(parsedAndWritten(text)).map((style) => style.text)
      expect(found.includes(text)).toBe(parsedAndWritten(text) === text)
      expect(new Set(jsonStyles(text).map((style) => style.text.trim()))).toEqual(new Set([text]))
    }
  })

  it('writes nothing of what is no JSON', () => {
    for (const text of ['[1,]', '{"a" 1}', 'undefined', '']) expect(jsonStyles(text)).toEqual([])
  })

  it('changes no text but its escapes', () => {
    expect(new Set(jsonStyles('["undefined"]').map(({ text }) => text.replaceAll(/\s/g, '')))).toEqual(
      new Set(['["undefined"]']),
    )
  })

  it('gives each layout with a line break too, and with CRLF where it has lines', () => {
    const texts = new Map(jsonStyles('[1]').map((style) => [style.name, style.text]))
    expect(texts.get('json_encode of PHP and a line break')).toBe('[1]\n')
    expect(texts.get('json_encode of PHP with JSON_PRETTY_PRINT and a line break')).toBe('[\n    1\n]\n')
    expect(texts.get('json_encode of PHP with JSON_PRETTY_PRINT and CRLF')).toBe('[\r\n    1\r\n]')
    expect(texts.has('json_encode of PHP and CRLF')).toBe(false)
  })
})
