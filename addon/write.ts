// Writes the addon through which the program makes its system calls: bun addon/write.ts FILE

import { writeFileSync } from "node:fs";
import { CODE, ENTRY, IMPORTS } from "./code.ts";
import { sharedObject } from "./shared-object.ts";

const [file = ""] = process.argv.slice(2);
writeFileSync(file, sharedObject({ code: CODE, entry: ENTRY, imports: IMPORTS }));
