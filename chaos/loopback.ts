/** Where the receivers of the scenarios are. */
export const loopback = { allow: ['127.0.0.0/8'], allowHttp: true } as const
