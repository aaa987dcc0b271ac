/** What registry and dispatcher need to be allowed to deliver to the receiver on loopback. */
export const loopback = {}
