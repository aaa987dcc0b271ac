const allowed = [
  /^dist\/[\w-]+\.(?:js|cjs|d\.ts|d\.cts)$/,
  /^docs\/(?:decisions\/)?[\w-]+\.md$/,
  /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md)$/,
]
const required = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'docs/security.md']

/** Names every file of the tarball that is not on the list of what is published, and every one that is missing. */
export function tarballProblems(files, manifest) {
  const surplus = files.filter((file) => !allowed.some((pattern) => pattern.test(file)))
  const targets = JSON.stringify([manifest.exports, manifest.imports]).match(/dist\/[^"]+/g) ?? []
  const missing = [...new Set([...required, ...targets])].filter((file) => !files.includes(file))
  return [
    ...surplus.map((file) => `${file} is packed and should not be`),
    ...missing.map((file) => `${file} is not packed`),
  ]
}
