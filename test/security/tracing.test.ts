// Nobody in a container traces the init of another that joins its namespaces: such a process has the
// host's files yet (CVE-2016-9962).
// Runs alone: it may trace the processes of other tests.

import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, inUserNamespace, type Json, type Patch } from "../support/bundle.ts";
import { compileC } from "../support/compile-c.ts";
import { withContainer } from "../support/container.ts";
import { room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const ROUNDS = 5;
const tracer = compileC("tracer", room.directory, ["-static"]);
const range = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const maps = { uidMappings: range, gidMappings: range };
/** Each of them was met, and nobody else was there. */
const LEFT_ALONE = new RegExp(`^ready\nseen ${ROUNDS}\n$`);

/** The root of a user namespace may not make a procfs or sysfs that shows another's namespaces. */
const mounts = defaultMounts.filter((mount) => !/"(\/proc|\/sys)"/.test(JSON.stringify(mount)));

function inNamespaces(...namespaces: Json[]): Patch {
  return { hostname: undefined, mounts, linux: { ...maps, namespaces } };
}

/** What a tracer gets hold of while other containers are made in its pid namespace. */
async function caught(tracing: Patch, others: (pid: number) => Patch): Promise<string> {
  if ("reason" in tracer) throw new Error(tracer.reason);
  const rootfs = newRootfs();
  copyFileSync(tracer.program, join(rootfs, "bin/tracer"));
  let output = "";
  await withContainer({ ...tracing, root: { path: rootfs } }, async ({ create, does, state }) => {
    await does("start");
    await waitUntil("the tracer", () => create.stdout().includes("ready"));
    const { pid } = await state();
    // Only made: whom their programs allow to trace them is another matter.
    for (let round = 0; round < ROUNDS; round++) {
      await withContainer(others(pid), async () => {});
    }
    writeFileSync(join(rootfs, "stop"), "");
    await waitUntil("the end of the tracer", () => create.stdout().includes("seen"));
    output = create.stdout();
  });
  return output;
}

function program(...capabilities: string[]): Json {
  const sets = { bounding: capabilities, effective: capabilities, permitted: capabilities };
  return { args: ["/bin/tracer", room.directory], capabilities: sets };
}

function tests(): void {
  test("an init that joins a user namespace is not traced by who may trace there", async () => {
    const tracing = { linux: inUserNamespace, process: program("CAP_SYS_PTRACE") };
    const output = await caught(tracing, (pid) =>
      inNamespaces(
        { type: "mount" },
        { type: "pid", path: `/proc/${pid}/ns/pid` },
        { type: "user", path: `/proc/${pid}/ns/user` },
      ),
    );
    assert.match(output, LEFT_ALONE);
  });

  test("an init in a new user namespace is not traced by root of the host without capabilities", async () => {
    const output = await caught({ process: program() }, (pid) =>
      inNamespaces(
        { type: "mount" },
        { type: "pid", path: `/proc/${pid}/ns/pid` },
        { type: "user" },
      ),
    );
    assert.match(output, LEFT_ALONE);
  });

  test("nor where it is in its caller's pid namespace, a child of which would be", async () => {
    const namespaces: Json[] = [{ type: "mount" }];
    const output = await caught(
      { hostname: undefined, process: program(), linux: { namespaces } },
      () => inNamespaces({ type: "mount" }, { type: "user" }),
    );
    assert.not.match(output, /READ|TRACED/);
  });
}

if ("reason" in tracer) skip("nobody in a container traces another's init", tracer.reason);
else tests();

runTests();
