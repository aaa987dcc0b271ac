export type { Clock } from './domain/clock.ts'
export { type Issue, PosthornError, type PosthornErrorCode, type PosthornErrorOptions } from './domain/error.ts'
export type { FrameworkFix } from './signing/framework-lines.ts'
export type { HeadersInput, HeaderTexts } from './signing/header-reader.ts'
export type { BodyPlace, ComputedPlace, Covered, HeaderPlace, Place } from './signing/coverage.ts'
export type { Content, PublicKeyAlgorithm } from './signing/crypto-seam.ts'
export { diagnose, type Diagnosis } from './signing/diagnose.ts'
export type { Encoding } from './signing/encoding.ts'
export { answerHandshake, type HandshakeVerifier } from './signing/handshake.ts'
export type {
  CheckedKeyMaterial,
  KeyMaterial,
  KeyQuery,
  KeySource,
  SecretReader,
  SharedKeyMaterial,
  SigningAlgorithm,
  VerifyKey,
} from './signing/key.ts'
export type { NamedSecret, SecretInput } from './signing/keys.ts'
export type {
  ChallengeRequest,
  HandshakeAnswer,
  Scheme,
  SignatureLayout,
  SignedContent,
  SignedContents,
  SignedMessage,
  TimestampLayout,
  WrittenValues,
} from './signing/scheme.ts'
export { ipaScheme } from './signing/schemes/ipa.ts'
export { standardWebhooks } from './signing/schemes/standard-webhooks.ts'
export { generateSecret } from './signing/secret.ts'
export type { RemoteKey } from './signing/signing-key.ts'
export { Signer, type SignerOptions, type SignInput } from './signing/signer.ts'
export type { TimeUnit } from './signing/timestamp.ts'
export type { VerifiedWebhook } from './signing/verified-webhook.ts'
export { Verifier, type VerifierOptions, type VerifyOptions } from './signing/verifier.ts'
export type { RawRequest, VerifyInput } from './signing/verify-input.ts'
