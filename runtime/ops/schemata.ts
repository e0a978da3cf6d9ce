// Schemata of resctrl, such as `L3:0=7ff;1=1f`: lines of a resource, each with values by domain.

/**
 * What of the wanted lines an existing schemata file has otherwise, in words; later lines override
 * earlier ones, and what they leave out may be anything.
 */
export function schemataDifferences(existing: string, wanted: readonly string[]): string[] {
  const has = valuesIn(existing.split("\n"));
  return [...valuesIn(wanted)].flatMap(([place, value]) => {
    const found = has.get(place);
    if (found === value) return [];
    return [`found ${found === undefined ? `no ${place}` : `${place}=${found}`}, wanted ${value}`];
  });
}

/** Values by `RESOURCE:DOMAIN`; the kernel pads lines with blanks and values with zeros. */
function valuesIn(lines: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of lines) {
    const [resource = "", domains = ""] = line.split(":", 2);
    for (const domain of domains.split(";")) {
      const [id = "", value = ""] = domain.split("=", 2);
      if (id.trim() === "") continue;
      const digits = value.trim().toLowerCase();
      values.set(`${resource.trim()}:${id.trim()}`, digits.replace(/^(?:0x)?0*(?=.)/, ""));
    }
  }
  return values;
}
