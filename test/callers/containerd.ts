// What containerd and its users ask of a runtime, by its client `ctr`; the same for all versions.

import * as assert from "uvu/assert";
import {
  type Containerd,
  containerdMissing,
  startContainerd,
} from "../support/callers/containerd.ts";
import { imageName } from "../support/callers/image.ts";
import { freshName } from "../support/room.ts";
import { runTests, skip, test } from "../support/suite.ts";

/** Tests the containerd of a folder. */
export function testContainerd(folder: string): void {
  const missing = containerdMissing(folder);
  if (missing !== undefined) {
    skip(`containerd in ${folder}`, missing);
    test.run();
    return;
  }
  let containerd: Containerd;
  test.before(async () => {
    containerd = await startContainerd(folder);
  });

  test("a container runs to its end", async () => {
    const id = freshName();
    const command = [...containerd.run, "--rm", imageName, id, "sh", "-c", "echo hello; exit 7"];
    const { code, stdout } = await containerd.ctr(command);
    assert.equal([stdout, code], ["hello\n", 7]);
  });

  runTests({ atEnd: () => containerd.daemon.stop() });
}
