/** Tells the time in milliseconds since the epoch; `Date.now` unless a test brings its own. */
export type Clock = () => number
