// Pods of a containerd 1 on our shim.

import { containerdFolders } from "../support/callers/containerd.ts";
import { testPods } from "./cri.ts";

testPods(containerdFolders.debian);
