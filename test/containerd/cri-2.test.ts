// Pods of a containerd 2 on our shim.

import { containerdFolders } from "../support/callers/containerd.ts";
import { testPods } from "./cri.ts";

testPods(containerdFolders.built);
