import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMMANDS } from "../../../runtime/cli/commands.ts";
import { completions } from "../../../runtime/cli/completion.ts";
import { GLOBAL_FLAGS } from "../../../runtime/cli/flags.ts";
import { helpText } from "../../../runtime/cli/help.ts";

test("no two flags of a command share a name", () => {
  for (const flags of [GLOBAL_FLAGS, ...COMMANDS.map((command) => command.flags)]) {
    const names = flags.flatMap(({ name, alias }) =>
      alias === undefined ? [name] : [name, alias],
    );
    assert.is(new Set(names).size, names.length, names.join(" "));
  }
});

test("optional positionals come last", () => {
  for (const { positionals, name } of COMMANDS) {
    const optional = positionals.map((positional) => positional.optional === true);
    assert.equal(optional, optional.toSorted(), name);
  }
});

test("the help names every command, and every flag but hidden ones", () => {
  const help = helpText(undefined);
  for (const { name, summary } of COMMANDS) {
    assert.match(help, `  runt ${name} `);
    assert.match(help, summary.slice(0, 30));
  }
  for (const { name, hidden } of GLOBAL_FLAGS) {
    assert.is(help.includes(`--${name} `), hidden !== true, name);
  }
});

test("the help of a command names its flags, their values and its arguments", () => {
  for (const command of COMMANDS) {
    const help = helpText(command);
    assert.match(help, `Usage: runt ${command.name} [flags]`);
    for (const flag of command.flags) {
      if (flag.hidden === true) {
        assert.not.match(help, `--${flag.name}`);
        continue;
      }
      assert.match(help, `--${flag.name}`);
      for (const choice of flag.choices ?? []) assert.match(help, `"${choice}"`);
      if (flag.alias !== undefined) assert.match(help, `-${flag.alias}, --${flag.name}`);
    }
    for (const { name } of command.positionals) assert.match(help, name);
  }
});

test("no line of the help is longer than 96 columns", () => {
  for (const command of [undefined, ...COMMANDS]) {
    for (const line of helpText(command).split("\n")) assert.ok(line.length <= 96, line);
  }
});

test("a tab completes commands, flags and choices", () => {
  const complete = (line: string): readonly string[] => completions(line.split(" "), {});
  assert.ok(complete("runt ").includes("create"));
  assert.ok(complete("runt cr").includes("create"));
  assert.ok(complete("runt --").includes("--root"));
  assert.not(complete("runt --").includes("--get-yargs-completions"));
  assert.ok(complete("runt --root /r run --").includes("--detach"));
  assert.not(complete("runt run --").includes("--root"));
  assert.equal(complete("runt list --format "), ["table", "json"]);
});

test("a tab leaves names of files to the shell", () => {
  assert.equal(completions(["runt", "create", "--bundle", ""], {}), []);
  assert.equal(completions(["runt", "--log", ""], {}), []);
});

test.run();
