// Program: mounts v1 hierarchies in the mount namespace that it is in, says which it could not mount
// and why, and lives until its standard input ends. Arguments: controllers as mountHierarchies takes them.

import { mountHierarchies } from "../conformance/hierarchies.ts";

const result = mountHierarchies(process.argv.slice(2));
console.log(JSON.stringify(result.v1 ? Object.fromEntries(result.missing) : null));
for await (const _ of Bun.stdin.stream());
