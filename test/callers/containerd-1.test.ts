// containerd 1, as Debian has it.

import { containerdFolders, SHIM } from "../support/callers/containerd.ts";
import { testContainerd } from "./containerd.ts";

testContainerd({ folder: containerdFolders.debian, shim: SHIM.runc });
