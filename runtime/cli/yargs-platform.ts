// What yargs may see of the machine: nothing but the environment that it is given. Its own platform
// looks for package.json from the working directory upwards, reads translations from disk, and
// imports parts of node that every start would pay for (3 ms), used or not.

import Parser from "yargs-parser/browser";
import cliui from "../../node_modules/cliui/index.mjs";

/** A platform for YargsFactory that reads nothing. */
export function yargsPlatform(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, unknown>> {
  return {
    assert: { notStrictEqual() {}, strictEqual() {} },
    cliui,
    findUp: refuse("findUp"),
    getCallerFile: refuse("getCallerFile"),
    getEnv: (name: string) => environment[name],
    getProcessArgvBin: () => "runt",
    inspect: String,
    mainFilename: "/",
    Parser,
    path: { basename: (path: string) => path.slice(path.lastIndexOf("/") + 1) },
    process: {
      argv: () => [],
      cwd: () => "/",
      emitWarning: refuse("emitWarning"),
      execPath: () => "/",
      exit: refuse("exit"),
      nextTick: refuse("nextTick"),
      stdColumns: null,
    },
    readFileSync: refuse("readFileSync"),
    readdirSync: refuse("readdirSync"),
    require: refuse("require"),
    stringWidth: (text: string) => text.length,
    y18n: {
      __: fill,
      __n: (one: string, many: string, count: number, ...values: unknown[]) =>
        fill(count === 1 ? one : many, ...values),
      getLocale: () => "en",
      setLocale() {},
      updateLocale() {},
    },
  };
}

function refuse(name: string): () => never {
  return () => {
    throw new Error(`yargs asked its platform for ${name}`);
  };
}

/** util.format for `%s` alone, which is all that yargs' texts use. */
function fill(text: string, ...values: unknown[]): string {
  return values.reduce<string>((filled, value) => filled.replace("%s", String(value)), text);
}
