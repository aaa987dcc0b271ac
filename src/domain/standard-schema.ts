/**
 * The part of Standard Schema v1 (standardschema.dev) that Posthorn uses: zod, valibot, arktype and others implement it, so that any
 * of them can describe an event's data.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The properties that the specification defines. */
  readonly '~standard': StandardProperties<Input, Output>
}

/** What a {@link StandardSchema} has under `~standard`. */
export interface StandardProperties<Input, Output> {
  /** Always 1. */
  readonly version: 1
  /** The library that made the schema. */
  readonly vendor: string
  /** Checks a value; may be asynchronous. */
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
  /** Carries the types; never set at run time. */
  readonly types?: StandardTypes<Input, Output> | undefined
}

/** The types of a {@link StandardSchema}. */
export interface StandardTypes<Input, Output> {
  /** What it accepts. */
  readonly input: Input
  /** What it makes of it. */
  readonly output: Output
}

/** What a {@link StandardSchema} answers. */
export type StandardResult<Output> = StandardSuccess<Output> | StandardFailure

/** The value fits. */
export interface StandardSuccess<Output> {
  /** The value, as the schema made it. */
  readonly value: Output
  /** Never set. */
  readonly issues?: undefined
}

/** The value does not fit. */
export interface StandardFailure {
  /** The problems found. */
  readonly issues: readonly StandardIssue[]
}

/** One problem that a {@link StandardSchema} found. */
export interface StandardIssue {
  /** What is wrong. */
  readonly message: string
  /** Where it is. */
  readonly path?: readonly (PropertyKey | StandardPathSegment)[] | undefined
}

/** One step of a {@link StandardIssue}'s path. */
export interface StandardPathSegment {
  /** The key or index. */
  readonly key: PropertyKey
}

/** The type that a schema accepts. */
export type SchemaInput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['input']

/** The type that a schema makes of what it accepts. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']
