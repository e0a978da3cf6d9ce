// Containers together, and across the ends of daemons, with Debian's Docker.

import { packaged } from "../support/callers/docker.ts";
import { testDaemonOf } from "./docker-daemon.ts";

testDaemonOf(packaged);
