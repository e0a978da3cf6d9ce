// containerd 1.6, as Debian has it, with our shim.
// Runs alone: its daemons have limits of time of their own.

import { containerdFolders } from "../support/callers/containerd.ts";
import { testShim } from "./shim.ts";

testShim(containerdFolders.debian);
