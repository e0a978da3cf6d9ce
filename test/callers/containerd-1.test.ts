// containerd 1, as Debian has it.

import { containerdFolders } from "../support/callers/containerd.ts";
import { testContainerd } from "./containerd.ts";

testContainerd(containerdFolders.debian);
