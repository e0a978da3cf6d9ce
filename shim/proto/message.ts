// What a protobuf message is made of, as tables that the codec and the type checker both read.
// Fields are proto3's: one that is absent has its default, so a decoded message has all of them.

/** A field's type in TypeScript. 64-bit integers stay exact. */
interface Scalars {
  string: string;
  bytes: Uint8Array;
  bool: boolean;
  int32: number;
  uint32: number;
  /** An open enum: numbers that we have no name for are passed on. */
  enum: number;
  int64: bigint;
  uint64: bigint;
  double: number;
}

export type Scalar = keyof Scalars;
export type Kind = Scalar | Message;

export interface Field<K extends Kind = Kind, Many extends boolean = boolean> {
  readonly number: number;
  readonly kind: K;
  readonly many: Many;
}

export type Fields = Readonly<Record<string, Field>>;

/** A message: its full protobuf name, which is also its type URL, and its fields. */
export interface Message<F extends Fields = Fields> {
  readonly name: string;
  readonly fields: F;
}

type Item<K extends Kind> = K extends Scalar
  ? Scalars[K]
  : K extends Message<infer F>
    ? Value<F>
    : never;

type Single<K extends Kind> = K extends Scalar ? Item<K> : Item<K> | undefined;

/** A message as it is decoded. Sub-messages may be absent, everything else has its default. */
export type Value<F extends Fields> = {
  [Name in keyof F]: F[Name]["many"] extends true
    ? readonly Item<F[Name]["kind"]>[]
    : Single<F[Name]["kind"]>;
};

/** A number that is exact may be given for a 64-bit integer. */
type GivenItem<K extends Kind> =
  K extends Message<infer F> ? Given<F> : K extends "int64" | "uint64" ? bigint | number : Item<K>;

/** A message as it is given to encode: whatever is left out has its default. */
export type Given<F extends Fields> = {
  [Name in keyof F]?:
    | (F[Name]["many"] extends true
        ? readonly GivenItem<F[Name]["kind"]>[]
        : GivenItem<F[Name]["kind"]>)
    | undefined;
};

export type ValueOf<M extends Message> = Value<M["fields"]>;
export type GivenOf<M extends Message> = Given<M["fields"]>;

export function message<const F extends Fields>(name: string, fields: F): Message<F> {
  return { name, fields };
}

export function one<const K extends Kind>(number: number, kind: K): Field<K, false> {
  return { number, kind, many: false };
}

export function many<const K extends Kind>(number: number, kind: K): Field<K, true> {
  return { number, kind, many: true };
}
