// What must hold on every runtime: a plain list of checks that use nothing but the web platform. Each throws where it does not hold.
// `modules` has the built doors: verify, schemes, fetching. Another door joins by adding its checks to `portableChecks`.

/** Lists the checks; each is { name, run }. */
export function portableChecks(modules, requests, vectors) {
  return [
    ...requests.map((request) => ({
      name: `${request.scheme}${request.variant ? ` ${request.variant}` : ''}: verifies, and refuses one changed bit`,
      run: () => checkRequest(modules, request),
    })),
    ...vectors.map((vector) => ({
      name: `${vector.scheme}: the published vector of ${vector.source}`,
      run: () => verifierOf(modules, { nowMs: 0, ...vector }).verify(inputOf(vector)),
    })),
    { name: 'Signer and Verifier: v1, v1a and a fetch Request', run: () => checkRoundTrips(modules) },
    { name: 'Verifier: a body over the limit, and one that is no text', run: () => checkBodies(modules) },
    { name: 'keyList: keys that are fetched', run: () => checkKeyList(modules, requests) },
  ]
}

/** Runs the checks one after the other and gives what failed, with what the runtime's crypto cannot do apart. */
export async function runChecks(checks) {
  const report = { passed: 0, unsupported: [], failed: [] }
  for (const { name, run } of checks) {
    try {
      await run()
      report.passed++
    } catch (error) {
      const isUnsupported = error?.name === 'NotSupportedError' || error?.cause?.name === 'NotSupportedError'
      ;(isUnsupported ? report.unsupported : report.failed).push(`${name}: ${error}`)
    }
  }
  return report
}

async function checkRequest(modules, request) {
  const verifier = verifierOf(modules, request)
  const verified = await verifier.verify(inputOf(request))
  assert(verified.keyIndex === 0 && verified.scheme === verifier.scheme.name, 'It is verified by another scheme.')
  const { header } = verifier.scheme.signature
  const name = Object.keys(request.headers).findLast((each) => header.toLowerCase().startsWith(each.toLowerCase()))
  const headers = { ...request.headers }
  if (name !== undefined)
    headers[name] = headers[name].replace(/[1-8](?!.*[1-8])/, (digit) => String(Number(digit) ^ 9))
  const body = name === undefined ? request.body.replace(/[1-8]/, (digit) => String(Number(digit) ^ 9)) : request.body
  await refuses(verifier.verify({ ...inputOf(request), headers, body }))
}

async function checkRoundTrips({ verify: { Signer, Verifier, generateSecret } }) {
  const seed = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
  const publicKey = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='
  const secret = generateSecret()
  const headers = await new Signer({ secret: [secret, seed] }).sign({ id: 'msg_1', body: 'é' })
  const { body } = new Response('é')
  assert(body !== null, 'There are no streams.')
  const request = () => new Request('https://example.com/', { method: 'POST', headers, body: 'é' })
  for (const key of [secret, publicKey]) {
    assert((await new Verifier({ secret: key }).verify(request())).eventId === 'msg_1', 'It is another event.')
    await refuses(new Verifier({ secret: key }).verify({ headers, body: 'e' }))
  }
}

async function checkBodies({ verify: { Signer, Verifier, generateSecret } }) {
  const secret = generateSecret()
  const bytes = new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])
  const headers = await new Signer({ secret }).sign({ id: 'msg_1', body: bytes })
  const request = () => new Request('https://example.com/', { method: 'POST', headers, body: bytes })
  const verified = await new Verifier({ secret }).verify(request())
  assert(verified.rawBody.join() === bytes.join(), 'The bytes were changed.')
  await refuses(new Verifier({ secret, maxBodyBytes: 7 }).verify(request()))
}

async function checkKeyList({ verify: { Verifier }, fetching: { keyList } }, requests) {
  const request = requests.find(({ variant }) => variant === 'v1a')
  const fetch = () => Promise.resolve(new Response(JSON.stringify([request.secret])))
  const secret = keyList({ url: 'https://example.com/keys', fetch })
  await new Verifier({ secret, clock: () => request.nowMs }).verify(inputOf(request))
}

function verifierOf({ verify, schemes, fetching }, { scheme: name, secret, options, keys, nowMs }) {
  const exported = schemes[name] ?? fetching[name]
  const fetch = (url) => Promise.resolve(new Response(keys[url]))
  const all = keys === undefined ? options : { ...options, fetch, clock: () => nowMs }
  const scheme = typeof exported === 'function' ? exported(all) : exported
  return new verify.Verifier({ scheme, clock: () => nowMs, ...(secret == null ? {} : { secret }) })
}

function inputOf({ headers, body, method, url }) {
  return { headers, body, method, url }
}

async function refuses(verifying) {
  const wasAccepted = await verifying.then(
    () => true,
    (error) => {
      if (error?.name !== 'PosthornError') throw error
      return false
    },
  )
  assert(!wasAccepted, 'It was accepted.')
}

function assert(holds, message) {
  if (!holds) throw new Error(message)
}
