import type { Scheme } from '../scheme.ts'
import { svixNames } from './svix.ts'

/** Resend: the headers `svix-id`, `svix-timestamp` and `svix-signature`, with the secret `whsec_…` of the webhook. */
export const resend: Scheme = /* @__PURE__ */ svixNames('resend')
