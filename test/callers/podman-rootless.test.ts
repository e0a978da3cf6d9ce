// Podman of an ordinary user, who has a range of ids besides. On cgroup v1 Podman gives such users
// no cgroups, and so no limits, no `pause`, no `stats` and no `update`, with any runtime.

import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { room } from "../support/room.ts";
import { foreignRuntime, test } from "../support/suite.ts";
import { testPodman } from "./podman.ts";

testPodman("user", (podman) => {
  test("the user's own id is kept inside, and owns what it makes", async () => {
    const script = "id -u; touch /scratch/x; stat -c %u /scratch/x /";
    const kept = await podman.inside(script, "--userns=keep-id", "--tmpfs=/scratch:mode=1777");
    assert.equal(kept.split("\n"), [`${room.uid}`, `${room.uid}`, "0"]);
  });

  test("the program makes containers inside a container of the user's", async () => {
    if (foreignRuntime) return;
    const bundle = join(podman.folder, "bundle");
    for (const path of [bundle, join(bundle, "rootfs")]) {
      mkdirSync(path);
      chownSync(path, room.uid, room.uid);
    }
    const runt = join(podman.program, "runt");
    const script = [
      "cp -a /bin rootfs",
      `${runt} spec && sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"id", "-u"/' config.json`,
      `${runt} run as-root && rm config.json`,
      `${runt} spec --rootless && sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"cat", "\\/proc\\/1\\/uid_map"/' config.json`,
      `${runt} run in-user-namespace && ${runt} list --quiet`,
    ].join(" && ");
    const libraries = ["/lib", "/lib64", "/usr/lib"].map((path) => `--volume=${path}:${path}:ro`);
    const out = await podman.inside(
      script,
      ...["--privileged", "--workdir=/bundle", `--volume=${bundle}:/bundle`, ...libraries],
      `--volume=${podman.program}:${podman.program}:ro`,
    );
    assert.match(out, /^0\n +0 +0 +1$/);
  });
});
