import type { AddressOptions } from 'posthorn'

/** Lets webhooks lead to this machine, as in development. */
export const loopback: AddressOptions = { allow: ['127.0.0.0/8', '::1'], allowHttp: true }
