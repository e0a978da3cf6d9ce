// The shim's command line, in Go's flag syntax, as containerd and CRI-O write it.

export interface ShimArguments {
  /** What is to be done: start, delete; "" when it is said by a flag, or not at all. */
  action: string;
  version: boolean;
  info: boolean;
  debug: boolean;
  namespace: string;
  id: string;
  /** Of containerd's own socket; CRI-O has none. */
  address: string;
  bundle: string;
}

const SWITCHES = new Set(["v", "version", "info", "debug", "shutdown"]);
const WITH_VALUE = new Set(["namespace", "id", "address", "bundle", "publish-binary"]);

/**
 * Reads a command line: one dash or two, `-k v` or `-k=v`, until the first word that is no flag.
 * Flags that are not known are ignored, since newer versions of containerd have more: the word after
 * one is its value unless that is a flag, or the last word, which is the action.
 */
export function parseArguments(words: readonly string[]): ShimArguments {
  const values = new Map<string, string>();
  let at = 0;
  for (; at < words.length; at++) {
    const [, name = "", value] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(words[at] ?? "") ?? [];
    if (name === "") break;
    if (value !== undefined) values.set(name, value);
    else if (WITH_VALUE.has(name)) values.set(name, words[++at] ?? "");
    else if (SWITCHES.has(name)) values.set(name, "true");
    else if (at + 2 < words.length && !words[at + 1]?.startsWith("-")) at++;
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
