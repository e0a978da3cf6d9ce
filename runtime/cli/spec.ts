// runt spec

import type { Config } from "../config/types.gen.ts";
import { RuntimeError } from "../errors.ts";
import { defaultSpec, rootlessSpec } from "../lifecycle/spec.ts";
import type { Arguments } from "./command.ts";

/** Writes config.json into the bundle, unless one is there already. */
export function specCommand(given: Arguments): number {
  const bundle = given.text("bundle");
  const file = bundle === undefined ? "config.json" : `${bundle}/config.json`;
  const text = JSON.stringify(
    given.on("rootless") ? callersSpec() : defaultSpec(),
    undefined,
    "\t",
  );
  const fs: typeof import("node:fs") = require("node:fs");
  try {
    fs.writeFileSync(file, `${text}\n`, { flag: "wx", mode: 0o666 });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ("code" in error && error.code === "EEXIST") {
      throw new RuntimeError(`File ${file} exists. Remove it first`);
    }
    throw new RuntimeError(`cannot write ${file}: ${error.message}`);
  }
  return 0;
}

function callersSpec(): Config {
  return rootlessSpec({ uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 });
}
