// containerd 2, built from its module.

import { containerdFolders } from "../support/callers/containerd.ts";
import { testContainerd } from "./containerd.ts";

testContainerd(containerdFolders.built);
