// Standard streams by a shim, without a terminal: the client's fifos, or files.

import * as assert from "uvu/assert";
import { inUserNamespace, type Patch, script } from "../support/bundle.ts";
import { withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec } from "../support/shim-exec.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";

const events = receiveEvents();

const users = [
  { uid: 0, gid: 0 },
  { uid: 1000, gid: 1001 },
];

for (const [where, linux] of Object.entries<Patch>({ host: {}, mapped: inUserNamespace })) {
  test(`a process opens its own streams again, with ${where} ids and as an ordinary user`, async () => {
    for (const user of users) {
      const again = "read line < /dev/stdin; echo $line > /dev/stdout; echo err > /dev/stderr";
      const patch = { process: { ...script(`${again}; sleep 100`), user }, linux };
      await withShim({ patch }, async ({ id, tasks, create }) => {
        const ofInit = clientStreams({ stdin: true });
        await create(ofInit.names);
        await tasks.start({ id });
        ofInit.write("init\n");
        for (const terminal of [false, true]) {
          const place = { id, execId: `e${terminal}` };
          const streams = clientStreams({ stdin: true, terminal });
          const spec = processSpec(["sh", "-c", again], user);
          await tasks.exec({ ...place, ...streams.names, spec });
          await tasks.start(place);
          streams.write("exec\n");
          await tasks.wait(place);
          await tasks.delete(place);
          streams.closeInput();
          const { stdout } = await streams.stdout.ended;
          assert.is(stdout, terminal ? "exec\r\nexec\r\nerr\r\n" : "exec\n");
          assert.is((await streams.stderr.ended).stdout, terminal ? "" : "err\n");
        }
        await tasks.kill({ id, signal: 9 });
        assert.is((await ofInit.stdout.ended).stdout, "init\n");
        assert.is((await ofInit.stderr.ended).stdout, "err\n");
        ofInit.closeInput();
      });
    }
  });
}

runTests({ atEnd: async () => events.stop() });
