// Pods of a containerd 1 on our shim.
// Runs alone: its daemons have limits of time of their own.

import { containerdFolders } from "../support/callers/containerd.ts";
import { testPods } from "./cri.ts";

testPods(containerdFolders.debian);
