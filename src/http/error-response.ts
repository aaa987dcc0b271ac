import { PosthornError, type Issue, type PosthornErrorCode } from '../domain/error.ts'
import { problemResponse, statusOf } from './problem.ts'

/** Makes the answer for an error that an operation threw, or null where the caller is not to blame and is told nothing. */
export function errorResponse(error: unknown): Response | null {
  if (!(error instanceof PosthornError) || statusOf(error.code) >= 500) return null
  if (error.code === 'NOT_FOUND') return notFoundResponse()
  return problemResponse(error.code, detailOf(error), issuesOf(error))
}

/** The one answer for an unknown path, a malformed id, a missing id and a foreign id: the same bytes, so that none tells of another. */
export function notFoundResponse(): Response {
  return problemResponse('NOT_FOUND', 'Nothing is found here: the path or the id is unknown. Check both.')
}

/** The answer for what the caller cannot mend. */
export function internalErrorResponse(error: unknown): Response {
  const isUnavailable = error instanceof PosthornError && statusOf(error.code) === 503
  if (isUnavailable) return problemResponse(error.code, 'The service is not available right now: try again later.')
  return problemResponse(
    'INTERNAL_ERROR',
    'Something failed on our side; the request may or may not have taken effect.',
  )
}

// One message can repeat thousands of issues; they are all in `issues`.
const maxDetailLength = 1_000

function detailOf(error: PosthornError): string {
  if (error.message.length <= maxDetailLength) return error.message
  return `The request is not valid in ${error.issues.length} places: see issues.`
}

const pathOf: Partial<Record<PosthornErrorCode, string>> = { CURSOR_INVALID: 'cursor', SECRET_INVALID: 'secret' }

function issuesOf(error: PosthornError): readonly Issue[] {
  const path = pathOf[error.code]
  return error.issues.length === 0 && path !== undefined ? [{ path, message: error.message }] : error.issues
}
