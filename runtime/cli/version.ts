// The text of --version.

import { COMMIT, OCI_VERSION, VERSION } from "../version.ts";

/** Version, commit and specification, one a line. Docker and go-runc read `commit:` and `spec:`. */
export function versionText(): string {
  return `runt version ${VERSION}\ncommit: ${COMMIT}\nspec: ${OCI_VERSION}`;
}
