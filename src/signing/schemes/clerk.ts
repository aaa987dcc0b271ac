import type { Scheme } from '../scheme.ts'
import { svixNames } from './svix.ts'

/** Clerk: the headers `svix-id`, `svix-timestamp` and `svix-signature`, with the signing secret `whsec_…` of the endpoint. */
export const clerk: Scheme = /* @__PURE__ */ svixNames('clerk')
