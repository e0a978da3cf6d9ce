// Containers together, and across the ends of daemons, with the newest Docker on our shim.

import { testDaemonOf } from "../callers/docker-daemon.ts";
import { built } from "../support/callers/docker.ts";

testDaemonOf(built);
