import { registerHooks } from 'node:module'

// bench/ is a package of its own, so `import 'posthorn'` would not find the package around it. This has Node resolve the name as a file
// beside the root package.json would, which is by its exports: the benchmarks measure the built package, as users get it.
const root = new URL('../../package.json', import.meta.url).href

registerHooks({
  resolve(specifier, context, nextResolve) {
    const isOwn = specifier === 'posthorn' || specifier.startsWith('posthorn/')
    return nextResolve(specifier, isOwn ? { ...context, parentURL: root } : context)
  },
})
