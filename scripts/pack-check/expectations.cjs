const assert = require('node:assert/strict')

const promised = {
  posthorn: [
    'WebhookRegistry',
    'EventDispatcher',
    'defineEvents',
    'memoryStorage',
    'standardSchedule',
    'PosthornError',
  ],
  'posthorn/bullmq': ['bullmqTransport'],
  'posthorn/verify': ['Verifier', 'PosthornError'],
  'posthorn/http': ['createWebhookApi', 'toNodeListener'],
  'posthorn/receiver': ['createReceiver', 'memoryIdempotency', 'PosthornError', 'toExpressHandler'],
  'posthorn/schemes': ['defineHmacScheme', 'github', 'stripe'],
  'posthorn/schemes-fetching': ['awsSns', 'keyList', 'paypal', 'plaid'],
  'posthorn/sqlite': ['sqliteStorage', 'sqliteIdempotency'],
  'posthorn/postgres': ['postgresStorage', 'postgresMigrations', 'postgresIdempotency'],
  'posthorn/testing': ['storageConformance', 'idempotencyConformance'],
}

/** Holds what was loaded, by name of the entry, to what the documentation promises. */
exports.checkEntries = (loaded) => {
  const names = Object.keys(loaded)
  assert.notEqual(names.length, 0)
  for (const name of names) {
    assert.ok(promised[name], `${name} is exported by package.json and promises nothing: add it to expectations.cjs`)
    const absent = promised[name].filter((key) => loaded[name][key] === undefined)
    assert.deepEqual(absent, [], `${name} does not export ${absent.join(', ')}`)
  }
  const classes = names.map((name) => loaded[name].PosthornError).filter((value) => value !== undefined)
  assert.equal(
    new Set(classes).size,
    1,
    `PosthornError is ${new Set(classes).size} classes over ${classes.length} entries`,
  )
  if (names.length > 1)
    assert.ok(classes.length > 1, 'PosthornError comes from one entry only, so nothing was compared')
}
