/** Requests under way at once, for every contender. */
export const concurrency = 64
