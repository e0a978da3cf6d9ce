// Errors as ttrpc knows them: gRPC's codes, by which containerd tells what happened.

/** google.rpc.Code. */
export const CODES = {
  canceled: 1,
  unknown: 2,
  "invalid argument": 3,
  "deadline exceeded": 4,
  "not found": 5,
  "already exists": 6,
  "resource exhausted": 8,
  "failed precondition": 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

export type Code = keyof typeof CODES;

/** An error that is the answer to a call. */
export class StatusError extends Error {
  override name = "StatusError";
  readonly code: Code;

  constructor(code: Code, text: string) {
    super(text);
    this.code = code;
  }
}
