// Annotations `org.systemd.property.NAME`: properties of the container's unit, as runc and crun have
// them. A value is a GVariant in its text form.

import type { Problem } from "../../errors.ts";
import type { Property } from "../controllers/limits.ts";
import { parseVariant } from "./variant-text.ts";

export const PROPERTY_PREFIX = "org.systemd.property.";

export function annotationProperties(annotations: Readonly<Record<string, string>>): {
  properties: Property[];
  problems: Problem[];
} {
  const properties: Property[] = [];
  const problems: Problem[] = [];
  for (const [key, text] of Object.entries(annotations)) {
    if (!key.startsWith(PROPERTY_PREFIX)) continue;
    const result = propertyOf(key.slice(PROPERTY_PREFIX.length), text);
    const pointer = `/annotations/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (typeof result === "string") problems.push({ pointer, message: result });
    else properties.push(result);
  }
  return { properties, problems };
}

/** The property, or what is wrong. */
function propertyOf(name: string, text: string): Property | string {
  if (!/^[A-Za-z]{3,}$/.test(name)) {
    return `found the property "${name}", wanted a name of three or more letters`;
  }
  const variant = parseVariant(text);
  if (typeof variant === "string") {
    return `found ${JSON.stringify(text)}: ${variant}, wanted the text form of a GVariant, such as uint64 5, true, 'text' or ['a', 'b']`;
  }
  return /[^U]Sec$/.test(name) ? inMicroseconds(name, variant) : { name, ...variant };
}

/** Manuals say TimeoutStopSec, and the property is TimeoutStopUSec. */
function inMicroseconds(name: string, { type, value }: Omit<Property, "name">): Property | string {
  const seconds = "nqiuxtdy".includes(type) ? Number(value) : Number.NaN;
  if (!(seconds >= 0)) return `found ${JSON.stringify(value)}, wanted seconds as a number`;
  const microseconds = BigInt(Math.round(seconds * 1_000_000));
  return { name: `${name.slice(0, -3)}USec`, type: "t", value: `${microseconds}` };
}
