// containerd 2, built from its module.

import { containerdFolders, SHIM } from "../support/callers/containerd.ts";
import { testContainerd } from "./containerd.ts";

testContainerd({ folder: containerdFolders.built, shim: SHIM.runc });
