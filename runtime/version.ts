// What this program calls itself: its version, the commit it was built from, the specification.

import { version } from "../package.json";

/** The commit, put in by `bun build --define RUNT_COMMIT='"…"'`; absent when run from the sources. */
declare const RUNT_COMMIT: string | undefined;

/** Version of this program, from package.json at build time. */
export const VERSION: string = version;

/** The commit the program was built from, or "unknown". */
export const COMMIT: string = typeof RUNT_COMMIT === "string" ? RUNT_COMMIT : "unknown";

/** Newest version of the runtime specification that is implemented. */
export const OCI_VERSION = "1.3.0";
