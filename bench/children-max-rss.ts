// Prints the largest resident set, in KiB, of the children that this process waited for before it
// became this program: wait4(2) and getrusage(2) keep it across execve.

import { dlopen, ptr } from "bun:ffi";

const RUSAGE_CHILDREN = -1;
// struct rusage: two struct timeval, then ru_maxrss.
const maxRssIndex = 4;

const libc = dlopen("libc.so.6", { getrusage: { args: ["i32", "ptr"], returns: "i32" } });
const usage = new BigInt64Array(18);
if (libc.symbols.getrusage(RUSAGE_CHILDREN, ptr(usage)) !== 0) throw new Error("getrusage failed");
console.log(String(usage[maxRssIndex]));
