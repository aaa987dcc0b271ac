/** What a registry needs to be allowed to deliver to the receiver on loopback. */
export const loopback = { addresses: { allow: ['127.0.0.0/8'], allowHttp: true } }
