// What the generated validators look like from outside.

/** One thing that a validator found. */
export interface SchemaError {
  /** JSON pointer of the value. */
  instancePath: string;
  /** The rule that it breaks, such as "type" or "required". */
  keyword: string;
  params: Readonly<Record<string, unknown>>;
  /** The key that a rule about keys is about. */
  propertyName?: string;
}

/** A generated validator. After a false answer, `errors` holds everything that is wrong. */
export interface Validate<T> {
  (data: unknown): data is T;
  errors?: readonly SchemaError[] | null;
}
