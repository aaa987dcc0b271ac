import { describe, expect, it } from 'vitest'
import { splitAtPlaceholders } from '../../../../src/storage/postgres/executors/split-at-placeholders.ts'

describe('splitAtPlaceholders', () => {
  it('splits at each placeholder, in the order they stand', () => {
    expect(splitAtPlaceholders('a = $2 AND b = $1 OR c = $12::text')).toEqual([
      'a = ',
      2,
      ' AND b = ',
      1,
      ' OR c = ',
      12,
      '::text',
    ])
    expect(splitAtPlaceholders('$1')).toEqual(['', 1, ''])
    expect(splitAtPlaceholders('($1)+$2?$3')).toEqual(['(', 1, ')+', 2, '?', 3, ''])
    expect(splitAtPlaceholders('SELECT 1')).toEqual(['SELECT 1'])
    expect(splitAtPlaceholders('')).toEqual([''])
  })

  it.each([
    ['a literal', `'$1'`],
    ['a literal with a quote', `'it''s $1'`],
    ['a literal that ends with a backslash', String.raw`'\'`],
    ['a literal with escapes', String.raw`E'\'$1\\'`],
    ['a literal with escapes and quotes', String.raw`e'$1''$1\'$1'`],
    ['a quoted name', '"$1 ""$1"'],
    ['a line comment', `-- it's $1\n`],
    ['a block comment', `/* it's $1 */`],
    ['a nested block comment', '/* $1 /* $1 */ $1 */'],
    ['a dollar quote', `$$ it's $1 $$`],
    ['a dollar quote with a tag', '$a1$ $1 $$ $b$ $1 $a1$'],
    ['a name', 'a$1'],
    ['a name with other letters', 'é$1'],
    ['a name that ends with e', `table_e'$1'`],
  ])('finds none in %s, and the next one after it', (_, text) => {
    expect(splitAtPlaceholders(`${text} $2`)).toEqual([`${text} `, 2, ''])
  })

  it('takes the rest where a comment does not end', () => {
    expect(splitAtPlaceholders('$1 /* $2 /* $3 */ $4')).toEqual(['', 1, ' /* $2 /* $3 */ $4'])
    expect(splitAtPlaceholders('$1 -- $2')).toEqual(['', 1, ' -- $2'])
  })

  it('takes time in proportion to the statement', () => {
    const started = performance.now()
    for (const piece of [`'`, `E'\\`, '"', '/*', '$$', '$a$', '--', 'x'])
      splitAtPlaceholders(`SELECT ${piece.repeat(100_000)} $1`)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
