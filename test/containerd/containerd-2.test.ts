// containerd 2, built from its module, with our shim.
// Runs alone: its daemons have limits of time of their own.

import { containerdFolders } from "../support/callers/containerd.ts";
import { testShim } from "./shim.ts";

testShim(containerdFolders.built);
