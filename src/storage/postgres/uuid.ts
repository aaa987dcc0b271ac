/** Whether a text is an id in the form in which ids are stored. No row has any other, and Postgres would refuse to look for it. */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}
