import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readManifest } from './manifest.ts'
import { isDoor, readSourceTree, repositoryRoot, sourceTree } from './source-tree.ts'
import { machineTraces, readTrackedFiles, resolvedUrls } from './tracked-files.ts'

describe('package.json', () => {
  const manifest = readManifest()
  const entries = Object.entries(manifest.exports).filter(([entry]) => entry !== './package.json')

  it('is an MIT module without side effects for Node 20.19 and later', () => {
    expect(manifest).toMatchObject({ license: 'MIT', type: 'module', sideEffects: false, engines: { node: '>=20.19' } })
    expect(existsSync(join(repositoryRoot, 'LICENSE'))).toBe(true)
  })

  it('exports exactly the doors, and itself', () => {
    const doors = [...readSourceTree().keys()].filter(isDoor).map((file) => file.slice('src/'.length, -'.ts'.length))
    expect(entries.map(([entry]) => doorOf(entry)).toSorted()).toEqual(doors.toSorted())
    expect(manifest.exports['./package.json']).toBe('./package.json')
  })

  it('names the built files of each door, for import and for require', () => {
    for (const [entry, targets] of entries) {
      const built = `./dist/${doorOf(entry)}`
      expect(targets, entry).toEqual({
        import: { types: `${built}.d.ts`, default: `${built}.js` },
        require: { types: `${built}.d.cts`, default: `${built}.cjs` },
      })
    }
    const { main, module, types } = manifest
    expect([main, module, types]).toEqual(['./dist/index.cjs', './dist/index.js', './dist/index.d.ts'])
  })

  it('runs nothing when it is installed', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare', 'dependencies']
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([])
  })

  it('publishes the build and what README links to only', () => {
    expect(manifest.files).toEqual(['dist', 'docs/*.md', 'docs/decisions', 'CHANGELOG.md', 'SECURITY.md'])
  })

  it('depends on what the decisions allow, with the majors that work on Node 20 to 26', () => {
    const { dependencies } = manifest
    expect(Object.keys(dependencies).toSorted()).toEqual(['ofetch', 'p-retry', 'undici', 'uuidv7', 'zod'])
    expect(dependencies).toMatchObject({
      undici: expect.stringMatching(/^\^7\./),
      zod: expect.stringMatching(/^\^4\./),
      'p-retry': expect.stringMatching(/^\^7\./),
    })
  })

  it('has peers that none needs who does not open their door', () => {
    const { peerDependencies, peerDependenciesMeta } = manifest
    expect(peerDependencies).toEqual({ bullmq: '^5.0.0 || ^6.0.0' })
    for (const name of Object.keys(peerDependencies)) expect(peerDependenciesMeta[name]).toEqual({ optional: true })
  })

  it('has every script that CI and the README call', () => {
    const names =
      'build typecheck lint supply-chain licences format format:check test test:node pack:check demo start chaos check'.split(
        ' ',
      )
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(names))
    const steps = manifest.scripts['check']?.split(' && ')
    const inOrder =
      'format:check lint supply-chain typecheck build test test:node test:runtimes test:frameworks flips size pack:check demo'.split(
        ' ',
      )
    const commands = inOrder.map((name) =>
      name === 'test' ? 'node scripts/test.mjs --unless-passed' : `npm run ${name}`,
    )
    expect(steps).toEqual([...commands, 'npm run chaos -- --short', 'npm run bench -- --smoke'])
  })
})

describe('the tracked files', () => {
  const tree = readTrackedFiles()

  it('name no folder of a machine and no private registry', () => {
    expect([...tree.keys()]).toEqual(expect.arrayContaining(['package.json', 'package-lock.json']))
    expect(machineTraces(tree)).toEqual([])
  })

  it('have a lock file that leaves the registry to who installs', () => {
    expect(resolvedUrls(tree.get('package-lock.json') ?? '')).toEqual([])
    expect(resolvedUrls('"resolved": "https://registry.npmjs.org/zod/-/zod-4.0.0.tgz",')).toHaveLength(1)
  })
})

describe('machineTraces', () => {
  // Put together here, so that this file does not find itself.
  const path = (...names: string[]) => ['', ...names, 'a.ts'].join('/')
  const url = (scheme: string, host: string) => [`${scheme}:`, '', host, 'zod'].join('/')

  it.each([
    `see ${path('work', 'main')}`,
    `"${path('home', 'ada', 'src')}"`,
    `file://${path('Users', 'ada')}`,
    `(${path('root')})`,
    `registry=${url('https', 'registry.example.com')}`,
    `"${url('http', 'localhost:4873')}"`,
  ])('flags %s', (line) => {
    expect(machineTraces(sourceTree({ 'README.md': `first\n${line}` }))).toEqual([
      expect.stringMatching(/^README\.md:2 names /),
    ])
  })

  it.each(['https://example.com/work/a', '../work/a', 'https://registry.npmjs.org/zod', 'homework/root/a'])(
    'passes %s',
    (line) => {
      expect(machineTraces(sourceTree({ 'README.md': line }))).toEqual([])
    },
  )
})

function doorOf(entry: string): string {
  return entry === '.' ? 'index' : entry.slice('./'.length)
}
