// Unknown properties that resemble known ones.

import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { nearMisses } from "../../../runtime/config/near-misses.ts";
import { parseConfig } from "../../../runtime/config/parse.ts";
import { schemaTable } from "../../../runtime/config/schemas.gen.ts";
import { walk } from "../../../runtime/config/walk.ts";
import { replaced } from "../schemas/changes.ts";
import { sampleConfig } from "../schemas/sample-config.ts";
import { sampleFeatures } from "../schemas/sample-others.ts";
import { configText, refused, withProcess } from "./refused.ts";

const slips = {
  ...withProcess({ noNewPrivilges: true, Terminal: true }),
  mounts: [{ destination: "/proc", opts: [], option: ["ro"] }],
  linux: { masked_paths: [], resources: { memory: { swapiness: 1 } } },
};

test("a slip in a name is refused when strict, with the name that was meant", () => {
  assert.equal(refused(slips, { strict: true }).sort(), [
    '/linux/masked_paths: found the unknown property "masked_paths" (hint: did you mean "maskedPaths"?)',
    '/linux/resources/memory/swapiness: found the unknown property "swapiness" (hint: did you mean "swappiness"?)',
    '/mounts/0/option: found the unknown property "option" (hint: did you mean "options"?)',
    '/process/Terminal: found the unknown property "Terminal" (hint: did you mean "terminal"?)',
    '/process/noNewPrivilges: found the unknown property "noNewPrivilges" (hint: did you mean "noNewPrivileges"?)',
  ]);
});

test("a slip in a name is accepted unless strict", () => {
  assert.equal(parseConfig(configText(slips), "config.json").mounts, slips.mounts);
});

test("unknown names that resemble nothing are accepted when strict", () => {
  const changes = { "org.example.extension": 1, linux: { landlock: {} } };
  assert.equal(parseConfig(configText(changes), "c", { strict: true }).linux, { landlock: {} });
});

test("keys of maps are no property names", () => {
  const changes = { annotations: { option: "x" }, linux: { sysctl: { "kernel.shmax": "1" } } };
  assert.ok(parseConfig(configText(changes), "c", { strict: true }));
});

test("every known name is accepted when strict", () => {
  assert.equal(nearMisses(sampleConfig), []);
  assert.equal(nearMisses(sampleFeatures, "Features"), []);
});

test("slips are reported beside other problems", () => {
  const lines = refused({ hostnme: "x", hostname: 1 }, { strict: true });
  assert.equal(
    lines.map((line) => line.split(":")[0]),
    ["/hostname", "/hostnme"],
  );
});

test("every known name is found again after one slip", () => {
  const text = readFileSync(new URL("../../../schemas/linux.json", import.meta.url), "utf8");
  for (const name of Object.keys(JSON.parse(text).properties)) {
    const slip = `${name.slice(0, 3)}${name.slice(4)}`;
    const [problem] = nearMisses({ linux: { [slip]: 1 } });
    assert.is(problem?.hint, `did you mean "${name}"?`, slip);
  }
});

test("every field is found again with two letters exchanged, however deep it is", () => {
  const wrong: string[] = [];
  walk(sampleConfig, { type: "Config", table: schemaTable() }, ({ value, pointer, node }) => {
    for (const name of Object.keys(node.properties ?? {})) {
      if (!Object.hasOwn(Object(value), name)) continue;
      const slip = name.replace(/(.)(?!\1)(.)/, "$2$1");
      const keys = pointer
        .split("/")
        .slice(1)
        .map((key) => key.replaceAll("~1", "/"));
      const config = replaced(
        replaced(sampleConfig, [...keys, name], undefined),
        [...keys, slip],
        1,
      );
      const hints = nearMisses(config).map(({ hint }) => hint);
      if (!hints.includes(`did you mean "${name}"?`)) wrong.push(`${pointer}/${slip}: ${hints}`);
    }
  });
  assert.equal(wrong, []);
});

test.run();
