// One container, with Debian's Docker.

import { packaged } from "../support/callers/docker.ts";
import { testContainersOf } from "./docker.ts";

testContainersOf(packaged);
