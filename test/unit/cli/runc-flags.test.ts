// runc's whole command line, up to 1.5: each flag is known by its names and in its kind, or told of in
// docs/compatibility.md.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Flag } from "../../../runtime/cli/command.ts";
import { COMMANDS, commandNamed } from "../../../runtime/cli/commands.ts";
import { GLOBAL_FLAGS } from "../../../runtime/cli/flags.ts";

/** Of create, run and restore. */
const CREATE =
  "bundle|b= console-socket= pidfd-socket= pid-file= no-pivot no-new-keyring preserve-fds=";

/** By command, `name|alias`, with `=` where it takes a value. */
const RUNC: Readonly<Record<string, string>> = {
  "": "debug log= log-format= root= systemd-cgroup rootless= help|h version|v criu=",
  create: CREATE,
  run: `${CREATE} detach|d keep no-subreaper`,
  start: "",
  state: "",
  list: "format|f= quiet|q",
  kill: "all|a",
  delete: "force|f",
  exec:
    "console-socket= pidfd-socket= cwd= env|e= tty|t user|u= additional-gids|g= process|p= detach|d" +
    " pid-file= process-label= apparmor= no-new-privs cap|c= preserve-fds= cgroup= ignore-paused",
  ps: "format|f=",
  events: "interval= stats",
  pause: "",
  resume: "",
  update:
    "resources|r= blkio-weight= cpu-period= cpu-quota= cpu-burst= cpu-share= cpu-rt-period=" +
    " cpu-rt-runtime= cpuset-cpus= cpuset-mems= cpu-idle= memory= memory-reservation= memory-swap=" +
    " kernel-memory= kernel-memory-tcp= pids-limit= l3-cache-schema= mem-bw-schema=",
  spec: "bundle|b= rootless",
  features: "",
  checkpoint: "",
  restore: "",
};

const page = readFileSync(join(import.meta.dir, "../../../docs/compatibility.md"), "utf8");

for (const [command, text] of Object.entries(RUNC)) {
  test(`${command || "runc"}: its flags are known, or the page tells of them`, () => {
    const known = command === "" ? GLOBAL_FLAGS : commandNamed(command)?.flags;
    if (known === undefined) {
      assert.match(page, `\`${command}\``);
      return;
    }
    for (const wanted of text.split(" ").filter((one) => one !== "")) {
      const [names = "", value] = wanted.split("=");
      const [name = "", alias] = names.split("|");
      const flag = known.find((one) => one.name === name);
      if (flag === undefined) assert.match(page, `\`--${name}\``, `--${name}`);
      else assert.equal([flag.alias, takesValue(flag)], [alias, value !== undefined], name);
    }
  });
}

test("the page tells of the commands and flags that runc does not have", () => {
  const more = COMMANDS.filter(({ name }) => RUNC[name] === undefined).map(({ name }) => name);
  for (const name of more) assert.match(page, `\`${name}\``, name);
  for (const { name: command, flags } of COMMANDS) {
    const runcs = RUNC[command]?.split(/[ |=]+/);
    for (const { name } of flags) {
      if (runcs !== undefined && !runcs.includes(name)) assert.match(page, `\`--${name}\``, name);
    }
  }
});

function takesValue({ kind }: Flag): boolean {
  return kind !== "switch";
}

test.run();
