/** Who is compared. The modules themselves are loaded by the processes that measure them. */
export const libraryNames = [
  'bare createHmac',
  'bare createHmac, body copied',
  'posthorn',
  'standardwebhooks',
  'svix',
  '@octokit/webhooks-methods',
  'stripe',
] as const
