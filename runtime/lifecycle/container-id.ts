// The form of a container's id. It names a folder, so it is checked before any path is touched.

import { RuntimeError } from "../errors.ts";

const MAX_LENGTH = 1024;

/**
 * The id itself, if it has the form of one.
 * @throws RuntimeError for other characters than `[A-Za-z0-9_+.-]`, for `.`, `..` and for what is
 *   empty or longer than 1024 characters.
 */
export function containerId(text: string): string {
  const short = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  if (text.length > MAX_LENGTH) {
    throw new RuntimeError(
      `invalid container ID format: "${short}" has ${text.length} characters, at most ${MAX_LENGTH} are allowed`,
    );
  }
  if (!/^[A-Za-z0-9_+.-]+$/.test(text) || text === "." || text === "..") {
    throw new RuntimeError(
      `invalid container ID format: "${short}" must consist of [A-Za-z0-9_+.-] and not be . or ..`,
    );
  }
  return text;
}
