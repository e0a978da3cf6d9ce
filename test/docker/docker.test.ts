// One container, with the newest Docker on our shim.

import { testContainersOf } from "../callers/docker.ts";
import { built } from "../support/callers/docker.ts";

testContainersOf(built);
