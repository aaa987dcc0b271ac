import { describe, expect, it } from 'vitest'
import { importsOf } from './imports.ts'
import { readManifest } from './manifest.ts'
import { portableDoorViolations, signingSeamViolations } from './rules/crypto-seam.ts'
import { importCycles } from './rules/cycles.ts'
import { dependencyViolations, unresolvedImports } from './rules/dependencies.ts'
import { doorViolations } from './rules/doors.ts'
import { badNames, defaultExports, longFiles } from './rules/file-shape.ts'
import { layerViolations, unknownLayers } from './rules/layers.ts'
import { readSourceTree, sourceTree } from './source-tree.ts'

const homes = {
  bullmq: 'src/transport/bullmq-transport.ts',
  ofetch: 'src/delivery/send.ts',
  undici: 'src/delivery/',
  'p-retry': 'src/delivery/deliver.ts',
  uuidv7: 'src/registry/id.ts',
}

describe('the sources', () => {
  const tree = readSourceTree()

  it('keep to the layer table', () => {
    expect(tree.size).toBeGreaterThan(0)
    expect(unknownLayers(tree)).toEqual([])
    expect(layerViolations(tree)).toEqual([])
  })

  it('import each dependency of package.json in exactly one file, and no other package', () => {
    const manifest = readManifest()
    const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    expect(dependencies).toEqual(expect.arrayContaining(Object.keys(homes)))
    expect(dependencyViolations(tree, dependencies, homes)).toEqual([])
  })

  it('import nothing that cannot be followed', () => {
    expect(unresolvedImports(tree)).toEqual([])
  })

  it('have no import cycles', () => {
    expect(importCycles(tree)).toEqual([])
  })

  it('have doors that re-export only', () => {
    expect(doorViolations(tree)).toEqual([])
  })

  it('keep node: modules of the signing layer in the crypto seam', () => {
    expect(signingSeamViolations(tree)).toEqual([])
  })

  it.each(['src/receiver.ts', 'src/verify.ts'])('let %s load without packages and without Node', (door) => {
    expect(portableDoorViolations(tree, door)).toEqual([])
  })

  it('are files of at most 400 lines, kebab-case, without vague names and default exports', () => {
    expect(longFiles(tree)).toEqual([])
    expect(badNames(tree)).toEqual([])
    expect(defaultExports(tree)).toEqual([])
  })
})

describe('importsOf', () => {
  it('finds every way to import', () => {
    const source = `
      import a from 'one'
      import type { B } from 'two'
      import 'three'
      export { c } from 'four'
      export type * from 'five'
      import d = require('six')
      const e = await import('seven')
      const f = require(\`eight\`)
      const g = process.getBuiltinModule('node:nine')
      type H = import('ten').H
      const i = await import(a)
      export const j = 1
    `
    const found = importsOf('src/a.ts', source)
    const numbers = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'node:nine', 'ten', null]
    expect(found.map(({ specifier }) => specifier)).toEqual(numbers)
    expect(found[0]?.place).toBe('src/a.ts:2')
  })
})

describe('layerViolations', () => {
  const flags = (from: string, specifier: string, to: string) =>
    layerViolations(sourceTree({ [from]: `import type { A } from '${specifier}'`, [to]: 'export type A = 1' }))
      .length === 1

  it.each([
    ['src/domain/a.ts', '../signing/b.ts', 'src/signing/b.ts'],
    ['src/domain/a.ts', '../storage/b.ts', 'src/storage/b.ts'],
    ['src/signing/a.ts', '../storage/b.ts', 'src/storage/b.ts'],
    ['src/storage/a.ts', '../signing/b.ts', 'src/signing/b.ts'],
    ['src/storage/a.ts', '../registry/b.ts', 'src/registry/b.ts'],
    ['src/registry/a.ts', '../delivery/b.ts', 'src/delivery/b.ts'],
    ['src/delivery/a.ts', '../http/b.ts', 'src/http/b.ts'],
    ['src/receiver/a.ts', '../http/b.ts', 'src/http/b.ts'],
    ['src/delivery/a.ts', '../transport/b.ts', 'src/transport/b.ts'],
    ['src/http/a.ts', '../index.ts', 'src/index.ts'],
    ['src/storage/memory/a.ts', '../sqlite/b.ts', 'src/storage/sqlite/b.ts'],
    ['src/storage/sqlite/a.ts', '../conformance/b.ts', 'src/storage/conformance/b.ts'],
    ['src/storage/conformance/a.ts', '../memory/b.ts', 'src/storage/memory/b.ts'],
    ['src/storage/conformance/a.ts', '../id.ts', 'src/storage/id.ts'],
    ['src/domain/a.ts', '#crypto', 'src/signing/crypto-web.ts'],
  ])('flags %s that imports %s', (from, specifier, to) => {
    expect(flags(from, specifier, to)).toBe(true)
  })

  it.each([
    ['src/index.ts', './http/b.ts', 'src/http/b.ts'],
    ['src/domain/a.ts', './b.ts', 'src/domain/b.ts'],
    ['src/http/a.ts', '../domain/b.ts', 'src/domain/b.ts'],
    ['src/storage/memory/a.ts', '../storage.ts', 'src/storage/storage.ts'],
    ['src/storage/conformance/a.ts', '../cursor.ts', 'src/storage/cursor.ts'],
    ['src/storage/conformance/a.ts', '../../domain/b.ts', 'src/domain/b.ts'],
  ])('passes %s that imports %s', (from, specifier, to) => {
    expect(flags(from, specifier, to)).toBe(false)
  })

  it('flags a folder that is no layer', () => {
    expect(unknownLayers(sourceTree({ 'src/shared/a.ts': '', 'src/http/b.ts': '', 'src/index.ts': '' }))).toEqual([
      'src/shared/a.ts is in no layer of the layer table',
    ])
  })
})

describe('dependencyViolations', () => {
  const zod = `import { z } from 'zod'`

  it('passes a dependency that one file imports', () => {
    expect(dependencyViolations(sourceTree({ 'src/http/a.ts': zod }), ['zod'])).toEqual([])
    expect(dependencyViolations(sourceTree({ 'src/http/a.ts': zod }), ['zod'], { zod: 'src/http/' })).toEqual([])
  })

  it('flags a dependency that two files import', () => {
    const tree = sourceTree({ 'src/http/a.ts': zod, 'src/http/b.ts': `export type { ZodType } from 'zod/v4'` })
    expect(dependencyViolations(tree, ['zod'])).toEqual(['zod is imported by 2 files: src/http/a.ts, src/http/b.ts'])
  })

  it('flags a dependency that another file than its own imports', () => {
    const tree = sourceTree({ 'src/http/a.ts': zod })
    expect(dependencyViolations(tree, ['zod'], { zod: 'src/http/b.ts' })).toHaveLength(1)
    expect(dependencyViolations(tree, ['zod'], { zod: 'src/delivery/' })).toHaveLength(1)
  })

  it('flags a dependency that nothing imports', () => {
    expect(dependencyViolations(sourceTree({ 'src/http/a.ts': '' }), ['zod'])).toHaveLength(1)
  })

  it.each(['left-pad', '@scope/left-pad/sub', 'crypto'])('flags the undeclared package %s', (name) => {
    expect(dependencyViolations(sourceTree({ 'src/http/a.ts': `import '${name}'` }), [])).toHaveLength(1)
  })

  it.each([`import './b'`, `import './missing.ts'`, `import '#missing'`, `import '/etc/a.ts'`, 'await import(name)'])(
    'flags %s, which cannot be followed',
    (source) => {
      expect(unresolvedImports(sourceTree({ 'src/http/a.ts': source, 'src/http/b.ts': '' }))).toHaveLength(1)
    },
  )

  it('passes an import that can be followed', () => {
    const tree = sourceTree({ 'src/http/a.ts': `import './b.ts'; import 'zod'; import 'node:fs'`, 'src/http/b.ts': '' })
    expect(unresolvedImports(tree)).toEqual([])
  })
})

describe('importCycles', () => {
  it('flags a cycle of types and passes a diamond', () => {
    const diamond = {
      'src/http/a.ts': `import './b.ts'; import './c.ts'`,
      'src/http/b.ts': `import './d.ts'`,
      'src/http/c.ts': `import './d.ts'`,
      'src/http/d.ts': '',
    }
    expect(importCycles(sourceTree(diamond))).toEqual([])
    const closed = { ...diamond, 'src/http/d.ts': `import type { B } from './b.ts'` }
    expect(importCycles(sourceTree(closed))).toEqual(['src/http/b.ts → src/http/d.ts → src/http/b.ts'])
  })

  it('flags a file that imports itself, and a cycle through #crypto', () => {
    expect(importCycles(sourceTree({ 'src/http/a.ts': `import './a.ts'` }))).toHaveLength(1)
    const seam = { 'src/signing/key.ts': `import '#crypto'`, 'src/signing/crypto-node.ts': `import './key.ts'` }
    expect(importCycles(sourceTree(seam))).toHaveLength(1)
  })
})

describe('doorViolations', () => {
  it.each([`export const a = 1`, `import './http/a.ts'`, `export {}`, `const a = 1`, ``])(
    'flags a door with %j',
    (source) => {
      expect(doorViolations(sourceTree({ 'src/index.ts': source }))).toHaveLength(1)
    },
  )

  it('passes re-exports, and other files', () => {
    const door = `export { a } from './http/a.ts'\nexport type { B } from './http/a.ts'`
    expect(doorViolations(sourceTree({ 'src/index.ts': door, 'src/http/a.ts': 'export const a = 1' }))).toEqual([])
  })
})

describe('the crypto seam', () => {
  const seam = {
    'src/verify.ts': `export { Verifier } from './signing/verifier.ts'`,
    'src/signing/verifier.ts': `import { hmac } from '#crypto'`,
    'src/signing/crypto-node.ts': `import { createHmac } from 'node:crypto'`,
    'src/signing/crypto-web.ts': 'export const hmac = 1',
  }

  it('may import node:crypto in its Node half only', () => {
    expect(signingSeamViolations(sourceTree(seam))).toEqual([])
    const part = { ...seam, 'src/signing/hmac-node.ts': `import 'node:crypto'` }
    expect(signingSeamViolations(sourceTree(part))).toEqual([])
    const around = { ...part, 'src/signing/verifier.ts': `import './hmac-node.ts'` }
    expect(signingSeamViolations(sourceTree(around))).toHaveLength(1)
    const leaky = { ...seam, 'src/signing/verifier.ts': `import type { Hmac } from 'node:crypto'` }
    expect(signingSeamViolations(sourceTree(leaky))).toHaveLength(1)
  })

  it.each([
    `import { z } from 'zod'`,
    `import type { A } from 'node:http'`,
    `import './crypto-node.ts'`,
    'await import(a)',
  ])('flags %s behind posthorn/verify', (source) => {
    expect(portableDoorViolations(sourceTree(seam), 'src/verify.ts')).toEqual([])
    const leaky = sourceTree({ ...seam, 'src/signing/verifier.ts': source })
    expect(portableDoorViolations(leaky, 'src/verify.ts')).toHaveLength(1)
  })

  it('flags a leak in its web half, and a door that is missing', () => {
    const leaky = sourceTree({ ...seam, 'src/signing/crypto-web.ts': `import 'node:buffer'` })
    expect(portableDoorViolations(leaky, 'src/verify.ts')).toHaveLength(1)
    expect(portableDoorViolations(sourceTree({}), 'src/verify.ts')).toEqual(['src/verify.ts is missing'])
  })
})

describe('file shape', () => {
  it('flags a file of 401 lines and passes one of 400', () => {
    expect(longFiles(sourceTree({ 'src/http/a.ts': 'a\n'.repeat(400) }))).toEqual([])
    expect(longFiles(sourceTree({ 'src/http/a.ts': 'a\n'.repeat(401) }))).toHaveLength(1)
  })

  it.each(['utils', 'url-helpers', 'types', 'constants', 'services/mail', 'job-manager', 'Url', 'snake_case'])(
    'flags the name %s',
    (name) => {
      expect(badNames(sourceTree({ [`src/http/${name}.ts`]: '' }))).toHaveLength(1)
    },
  )

  it('passes names of the glossary', () => {
    expect(badNames(sourceTree({ 'src/domain/event-type.ts': '', 'src/signing/crypto-node.ts': '' }))).toEqual([])
  })

  it.each([
    'export default function a() {}',
    'export default 1',
    'const a = 1; export { a as default }',
    `export { default } from './b.ts'`,
    `export * as default from './b.ts'`,
  ])('flags %s', (source) => {
    expect(defaultExports(sourceTree({ 'src/http/a.ts': source }))).toHaveLength(1)
  })

  it('passes named exports', () => {
    const source = `export const a = 1; export { b } from './b.ts'; export * from './c.ts'`
    expect(defaultExports(sourceTree({ 'src/http/a.ts': source }))).toEqual([])
  })
})
