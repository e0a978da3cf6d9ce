// The shim's command line, in Go's flag syntax, as containerd and CRI-O write it.

export interface ShimArguments {
  /** What is to be done: start, delete, or a question that is a flag. */
  action: string;
  version: boolean;
  info: boolean;
  debug: boolean;
  namespace: string;
  id: string;
  /** Of containerd's own socket. */
  address: string;
  bundle: string;
}

const SWITCHES = new Set(["v", "version", "info", "debug"]);

/**
 * Reads a command line: one dash or two, `-k v` or `-k=v`, until the first word that is no flag.
 * Flags that are not known are ignored, since newer versions of containerd have more.
 */
export function parseArguments(words: readonly string[]): ShimArguments {
  const values = new Map<string, string>();
  let at = 0;
  for (; at < words.length; at++) {
    const [, name = "", value] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(words[at] ?? "") ?? [];
    if (name === "") break;
    if (value !== undefined) values.set(name, value);
    else if (SWITCHES.has(name)) values.set(name, "true");
    else values.set(name, words[++at] ?? "");
  }
  const text = (name: string): string => values.get(name) ?? "";
  const isOn = (name: string): boolean => /^(1|t|true)$/i.test(text(name));
  return {
    action: words[at] === "--" ? (words[at + 1] ?? "") : (words[at] ?? ""),
    version: isOn("v") || isOn("version"),
    info: isOn("info"),
    debug: isOn("debug"),
    namespace: text("namespace"),
    id: text("id"),
    address: text("address"),
    bundle: text("bundle"),
  };
}
