// A program that exchanges two names for ever (renameat2(2), RENAME_EXCHANGE): the attacker of the
// symlink races. Arguments: two paths. It prints a line once it is at work.

import { writeSync } from "node:fs";
import { AT_FDCWD } from "../../runtime/sys/file.ts";
import { syscall } from "../../runtime/sys/libc.ts";
import { cstr } from "../../runtime/sys/memory.ts";
import { NR } from "../../runtime/sys/nr.ts";

const RENAME_EXCHANGE = 2;
const [, , one = "", two = ""] = process.argv;
const [first, second] = [cstr(one), cstr(two)];
writeSync(1, "swapping\n");
for (;;) {
  if (syscall(NR.renameat2, AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) < 0)
    process.exit(1);
}
