// libseccomp's filters, by way of a small C program that makes many at once.

import type { Seccomp, SeccompArg } from "../../runtime/seccomp/profile.ts";
import { actionValue } from "../../runtime/seccomp/rules.ts";

/** How libseccomp looks for a number: one after the other, or in a binary tree. */
export type Search = "list" | "tree";

export interface Request {
  profile: Seccomp;
  search: Search;
}

/** enum scmp_compare, from 1. */
const OPERATORS = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"];

/** Filters as runc has libseccomp make them; undefined: it refuses one of the rules. */
export function libseccompFilters(
  program: string,
  requests: readonly Request[],
): (Uint8Array | undefined)[] {
  const stdin = Buffer.from(requests.map(scriptFor).join(""));
  const { exitCode, stdout } = Bun.spawnSync([program], { stdin, timeout: 60_000 });
  const lines = stdout.toString().trim().split("\n");
  if (exitCode !== 0 || lines.length !== requests.length) {
    throw new Error(`libseccomp-filters: exit ${exitCode}, ${lines.length} of ${requests.length}`);
  }
  return lines.map((line) =>
    line === "refused" ? undefined : Uint8Array.from(Buffer.from(line, "hex")),
  );
}

function scriptFor({ profile, search }: Request): string {
  const fallback = actionValue(profile.defaultAction ?? "", profile.defaultErrnoRet);
  const archs = (profile.architectures ?? []).map(
    (name) => `arch ${name.slice("SCMP_ARCH_".length).toLowerCase()}`,
  );
  const rules = (profile.syscalls ?? []).flatMap(({ names, action, errnoRet, args = [] }) => {
    const value = actionValue(action, errnoRet);
    if (value === fallback) return [];
    return names.map((name) => ["rule", value, name, ...args.flatMap(argWords)].join(" "));
  });
  return [`filter ${fallback} ${search === "tree" ? 2 : 1}`, ...archs, ...rules, "end", ""].join(
    "\n",
  );
}

function argWords({ index, op, value, valueTwo = 0 }: SeccompArg): (number | bigint)[] {
  return [index, 1 + OPERATORS.indexOf(op.slice("SCMP_CMP_".length)), value, valueTwo];
}
