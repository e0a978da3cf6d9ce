// The URIs by which clients name files and programs for output. Read by hand: the engine's URL takes
// `..` out of a path, which means something else where a part of the path is a link.

import { StatusError } from "../ttrpc/status.ts";

export interface Uri {
  scheme: string;
  /** Absolute, and as it was written, but for what was percent-encoded. */
  path: string;
  /** The first value of each key, in their order. */
  query: ReadonlyMap<string, string>;
}

const SHAPE = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?/i;

/** The scheme of a name of standard output; a path is that of a fifo. */
export function schemeOf(name: string): string {
  return SHAPE.exec(name)?.[1]?.toLowerCase() ?? "fifo";
}

/** @throws StatusError that names what is wrong */
export function uriOf(text: string): Uri {
  const [, scheme = "", host = "", path = "", query = ""] = SHAPE.exec(text) ?? [];
  if (host !== "" || !path.startsWith("/")) throw invalid(text, `wanted ${scheme}:///PATH`);
  const values = new Map<string, string>();
  for (const pair of query.split("&").filter((one) => one !== "")) {
    const [key = "", ...value] = pair.split("=").map((part) => part.replaceAll("+", " "));
    const name = decoded(key, text);
    if (!values.has(name)) values.set(name, decoded(value.join("="), text));
  }
  return { scheme: schemeOf(text), path: decoded(path, text), query: values };
}

function decoded(part: string, text: string): string {
  const escapes = /%(?![0-9a-f]{2}).{0,2}|%00/i.exec(part);
  if (escapes !== null) throw invalid(text, `"${escapes[0]}" stands for no character`);
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw invalid(text, `"${part}" is not UTF-8`);
  }
}

function invalid(text: string, why: string): StatusError {
  return new StatusError("invalid argument", `the URI ${text}: ${why}`);
}
