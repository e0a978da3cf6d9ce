import { test } from "uvu";
import * as assert from "uvu/assert";
import { argumentsOf } from "../../../runtime/cli/arguments.ts";
import type { Command } from "../../../runtime/cli/command.ts";
import { commandNamed } from "../../../runtime/cli/commands.ts";
import { GLOBAL_FLAGS } from "../../../runtime/cli/flags.ts";
import { type ParsedFlags, parseFlags } from "../../../runtime/cli/parse-flags.ts";

function parse(line: string, command = "run"): ParsedFlags {
  return parseFlags(words(line), known(command).flags, { stopAtPositional: false });
}

function known(name: string): Command {
  const command = commandNamed(name);
  if (command === undefined) throw new Error(`no command ${name}`);
  return command;
}

function words(line: string): string[] {
  return line.split(" ").filter((word) => word !== "");
}

function plain({ values, ...rest }: ParsedFlags): object {
  return { values: Object.fromEntries(values), ...rest };
}

test("a value follows its flag or an equals sign", () => {
  const values = { bundle: "/b", "pid-file": "/p" };
  assert.equal(plain(parse("--bundle /b --pid-file=/p x")), { values, positionals: ["x"] });
});

test("a flag may have one dash or two, and a short name", () => {
  for (const form of ["--bundle /b", "-bundle /b", "-b /b", "-b=/b", "--b=/b"]) {
    assert.equal(plain(parse(form)), { values: { bundle: "/b" }, positionals: [] }, form);
  }
});

test("a value may begin with a dash or contain an equals sign", () => {
  assert.is(parse("--bundle -x").values.get("bundle"), "-x");
  assert.is(parse("--bundle=a=b").values.get("bundle"), "a=b");
});

test("a switch never takes the next argument", () => {
  assert.equal(plain(parse("--detach true")), {
    values: { detach: "true" },
    positionals: ["true"],
  });
});

test("a switch is turned off by =false", () => {
  const given = argumentsOf(known("run"), parse("--detach --keep=false x"));
  assert.is(given.on("detach"), true);
  assert.is(given.on("keep"), false);
  assert.is(given.on("no-pivot"), false);
});

test("the last of several values wins", () => {
  assert.is(parse("-b /a -b /b").values.get("bundle"), "/b");
});

test("flags may follow positionals", () => {
  assert.equal(plain(parse("id KILL --all", "kill")), {
    values: { all: "true" },
    positionals: ["id", "KILL"],
  });
});

test("everything after -- is positional", () => {
  assert.equal(plain(parse("-d -- -x --keep")), {
    values: { detach: "true" },
    positionals: ["-x", "--keep"],
  });
});

test("global flags end at the command", () => {
  const line = "--root /r --debug create --root /s x";
  assert.equal(plain(parseFlags(words(line), GLOBAL_FLAGS, { stopAtPositional: true })), {
    values: { root: "/r", debug: "true" },
    positionals: ["create", "--root", "/s", "x"],
  });
});

test("what is wrong is named, and the rest is parsed all the same", () => {
  const problems: [string, string][] = [
    ["--bogus --bundle /b", "unknown flag --bogus"],
    ["-x=1 -b /b", "unknown flag -x"],
    ["-b /b -dk", "unknown flag -dk"],
    ["-b /b --pid-file", "--pid-file needs a value"],
    ["-b /b --preserve-fds -1", '--preserve-fds is "-1", but must be a whole number from 0 on'],
    ["-b /b --preserve-fds 1.5", '--preserve-fds is "1.5", but must be a whole number from 0 on'],
    ["-b /b --detach=maybe", '--detach is "maybe", but must be true or false'],
    ["-b /b --constructor", "unknown flag --constructor"],
  ];
  for (const [line, problem] of problems) {
    const parsed = parse(line);
    assert.is(parsed.problem, problem);
    assert.is(parsed.values.get("bundle"), "/b", line);
  }
});

test("a value that is not among the choices is refused", () => {
  const parsed = parse("--format yaml", "list");
  assert.is(parsed.problem, '--format is "yaml", but must be one of table, json');
  assert.is(parsed.values.get("format"), undefined);
});

test("the number of positionals is checked against the table", () => {
  const lines: [string, string, string][] = [
    ["state", "", "state: requires <ID>, but got nothing"],
    ["state", "a b", 'state: requires <ID>, but got "a" "b"'],
    ["kill", "a b c", 'kill: requires <ID> [SIGNAL], but got "a" "b" "c"'],
    ["list", "a", 'list: requires no arguments, but got "a"'],
  ];
  for (const [command, line, message] of lines) {
    assert.throws(
      () => argumentsOf(known(command), parse(line, command)),
      (error: Error) => error.message === message,
    );
  }
});

test("an empty text counts as absent, an absent count as 0", () => {
  const given = argumentsOf(known("run"), parse("--pid-file= x"));
  assert.is(given.text("pid-file"), undefined);
  assert.is(given.count("preserve-fds"), 0);
  assert.is(argumentsOf(known("run"), parse("--preserve-fds 7 x")).count("preserve-fds"), 7);
});

test("the lines that containerd, Podman and CRI-O send are understood", () => {
  const globals =
    "--root /run/containerd/runt/k8s.io --log /b/log.json --log-format json --rootless=false";
  const parsed = parseFlags(words(globals), GLOBAL_FLAGS, { stopAtPositional: true });
  assert.is(parsed.problem, undefined);
  const lines: [string, string][] = [
    ["create", "--bundle /b --pid-file /b/init.pid --console-socket /tmp/pty --no-pivot id"],
    [
      "create",
      "--bundle /b --pid-file /b/p --no-new-keyring --preserve-fds 2 --pidfd-socket /s id",
    ],
    ["start", "id"],
    ["list", "--format=json"],
    ["kill", "--all id 9"],
    ["kill", "id 15"],
    ["delete", "--force id"],
    ["state", "id"],
  ];
  for (const [command, line] of lines) {
    assert.is(
      argumentsOf(known(command), parse(line, command)).positionals.includes("id"),
      command !== "list",
    );
  }
});

test.run();
