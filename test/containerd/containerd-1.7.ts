// containerd 1.7, built from its module, with our shim.

import { containerdFolders } from "../support/callers/containerd.ts";
import { testShim } from "./shim.ts";

testShim(containerdFolders.built17);
