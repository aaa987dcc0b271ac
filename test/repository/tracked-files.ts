import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SourceTree, repositoryRoot } from './source-tree.ts'

/** Reads every text file that git tracks or would add. */
export function readTrackedFiles(): SourceTree {
  const flags = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const output = execFileSync('git', flags, { cwd: repositoryRoot, encoding: 'utf8' })
  // A deleted file is listed until its removal is committed.
  const files = output.split('\0').filter((file) => file !== '' && existsSync(join(repositoryRoot, file)))
  const texts = files.map((file): [string, string] => [file, readFileSync(join(repositoryRoot, file), 'utf8')])
  return new Map(texts.filter(([, text]) => !text.includes('\0')))
}

/** Lists the lines that name a folder of somebody's machine or a package registry other than the public one. */
export function machineTraces(tree: SourceTree): string[] {
  return [...tree].flatMap(([file, text]) =>
    text.split('\n').flatMap((line, index) => {
      const place = `${file}:${index + 1}`
      const paths = line.match(absolutePath) ?? []
      const hosts = (line.match(registryUrl) ?? []).filter((url) => !url.startsWith('https://registry.npmjs.org'))
      return [...paths, ...hosts].map((trace) => `${place} names ${trace}`)
    }),
  )
}

/** Lists the packages of a lock file that say where they were downloaded from: it would bind every install to that host. */
export function resolvedUrls(lockFile: string): string[] {
  return lockFile.match(/"resolved": "https?:[^"]+"/g) ?? []
}

// Not behind a letter, a dot or a host, so that a URL's path and a relative path are left alone.
const absolutePath = /(?<![\w.~*}:-])\/(?:work|root|home\/[\w.-]+|Users\/[\w.-]+)\//g

const registryUrl = /https?:\/\/[^\s/"'`]*(?:registry|artifactory|nexus|verdaccio|:4873)[^\s/"'`]*/g
