// Runs the portable suite on the built package, in whatever runtime this is started by.
import * as schemes from 'posthorn/schemes'
import * as fetching from 'posthorn/schemes-fetching'
import * as verify from 'posthorn/verify'
import { portableChecks, runChecks } from './portable-suite.mjs'
import { receiverChecks } from './receiver-checks.mjs'
import requests from './requests.json' with { type: 'json' }
import vectors from './vectors.json' with { type: 'json' }

/** The report of one run. */
export function runSuite() {
  const ofReceiver = Object.entries(receiverChecks).map(([name, run]) => ({ name: `createReceiver: ${name}`, run }))
  return runChecks([...portableChecks({ verify, schemes, fetching }, requests, vectors), ...ofReceiver])
}
