import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { isDoor, readSourceTree, repositoryRoot } from './source-tree.ts'
import { undocumentedSymbols } from './undocumented-symbols.ts'

/** The checker reads the standard library first, which takes seconds on a busy machine. */
const timeout = 120_000

describe('TSDoc', () => {
  it('stands on everything reachable from a door', { timeout }, () => {
    const configPath = join(repositoryRoot, 'tsconfig.json')
    const read = ts.readConfigFile(configPath, (path) => ts.sys.readFile(path))
    const { options } = ts.parseJsonConfigFileContent(read.config, ts.sys, repositoryRoot)
    const doors = [...readSourceTree().keys()].filter(isDoor).map((file) => join(repositoryRoot, file))
    expect(doors).not.toEqual([])
    const program = ts.createProgram(doors, options)
    expect(undocumentedSymbols(program, { doors, root: join(repositoryRoot, 'src') })).toEqual([])
  })
})

describe('undocumentedSymbols', () => {
  it('names every declaration and member without a comment, and no others', { timeout }, () => {
    const door = `
      export { bare, factory, constant, table, type Union, type Port, Thing } from './inner.ts'
      export type { Described } from './inner.ts'`
    const inner = `
      export function bare() {}
      /** Documented, its inferred result and its parameter are not. */
      export function factory(options: { inline: number }, { a }: Hidden) { return { produced: 1, a } }
      export const constant = 1
      /** Documented. */
      export const table = {
        cell: 1,
        /** Documented. */
        fine: 2,
      }
      /** Documented. */
      export type Union = { left: number } | Described
      /** Documented. */
      export interface Port {
        method(): Promise<Answer[]>
        /** Documented. */
        fine: string
        /** @throws nothing that would say what it does */
        tagged: string
      }
      /** Documented. */
      export interface Described {
        /** Documented. */
        fine: string
      }
      interface Hidden { a: number }
      type Answer = string
      interface Unreached { nothing: string }
      /** Documented. */
      export class Thing implements Port {
        constructor() {}
        field = 1
        get accessor() { return 1 }
        [Symbol.iterator]() {}
        static made() {}
        /** Documented. */
        fine = 'inherited'
        method(): Promise<Answer[]> { const local = { unseen: 1 }; return Promise.resolve([String(local)]) }
        tagged = ''
        #secret = 1
        private own = 1
      }`
    const program = programOf({ '/v/door.ts': door, '/v/inner.ts': inner })
    const found = undocumentedSymbols(program, { doors: ['/v/door.ts'], root: '/v' })
    const names = found.map((line) => line.replace(/^inner\.ts:\d+ /, '')).toSorted()
    const inTypes = ['Answer', 'Hidden', 'a', 'a', 'cell', 'inline', 'left', 'method', 'produced', 'tagged']
    const inClass = ['[Symbol.iterator]', 'accessor', 'constructor', 'field', 'made', 'method', 'tagged']
    expect(names).toEqual([...inTypes, ...inClass, 'bare', 'constant'].toSorted())
    expect(found).toContain('inner.ts:2 bare')
  })

  it('passes a documented door', { timeout }, () => {
    const program = programOf({
      '/v/door.ts': `export * from './inner.ts'`,
      '/v/inner.ts': '/** One. */ export const one = 1',
    })
    expect(undocumentedSymbols(program, { doors: ['/v/door.ts'], root: '/v' })).toEqual([])
  })

  it('refuses a door that is not there', { timeout }, () => {
    const look = () => undocumentedSymbols(programOf({ '/v/a.ts': '' }), { doors: ['/v/door.ts'], root: '/v' })
    expect(look).toThrow('/v/door.ts is no module of the program')
  })
})

function programOf(files: Readonly<Record<string, string>>): ts.Program {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: [],
  }
  const onDisk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...onDisk,
    readFile: (path) => files[path] ?? onDisk.readFile(path),
    fileExists: (path) => path in files || onDisk.fileExists(path),
    directoryExists: () => true,
    getSourceFile(path, language) {
      const source = files[path]
      return source === undefined ? onDisk.getSourceFile(path, language) : ts.createSourceFile(path, source, language)
    },
  }
  return ts.createProgram(Object.keys(files), options, host)
}
