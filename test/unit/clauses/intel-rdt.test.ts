import { test } from "uvu";
import * as assert from "uvu/assert";
import { mountOf } from "../../../runtime/cgroup/layout.ts";
import { intelRdt } from "../../../runtime/clauses/intel-rdt.ts";
import type { IntelRdt } from "../../../runtime/config/types.gen.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { configOf, lines, pointers, reasons } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";
import { shows } from "../../support/shows.ts";

const host = { ...hybridRoot, resctrl: "/rdt" };

function compiled(field: IntelRdt, missingClasses: string[] = [], id = "demo") {
  return intelRdt(configOf({ linux: { intelRdt: field } }), host, { ...demo, id, missingClasses });
}

/** What create does, as the plan prints it. */
function planOf(field: IntelRdt, missingClasses: string[] = []): string[] {
  const { make, join, problems } = compiled(field, missingClasses);
  assert.equal(problems, []);
  return lines([...make, ...join]);
}

test("a configuration without the field leaves resctrl alone", () => {
  assert.equal(intelRdt(configOf({}), host, demo), { make: [], join: [], problems: [] });
  shows("linux.intelRdt.absent");
});

test("without resctrl the field is refused", () => {
  const config = configOf({ linux: { intelRdt: {} } });
  const { make, join, problems } = intelRdt(config, hybridRoot, demo);
  assert.equal([make, join, pointers(problems)], [[], [], ["/linux/intelRdt"]]);
  assert.match(problems[0]?.hint ?? "", "mount -t resctrl");
  shows("linux.intelRdt.no-resctrl");
});

test("a container without a closID has a class of its own, which delete removes", () => {
  const { make, join } = compiled({}, ["/rdt/demo"]);
  assert.equal(make[0]?.op.args, {
    mount: "/rdt",
    directory: "/rdt/demo",
    writes: [],
    existing: "write",
    removes: true,
  });
  assert.equal(reasons([...make, ...join]), ["/linux/intelRdt", "/linux/intelRdt"]);
  assert.equal(lines([...make, ...join]), [
    "host rdt.class /rdt/demo",
    "host rdt.join $init → /rdt/demo",
  ]);
  assert.match(JSON.stringify(compiled({}, []).make[0]?.op.args), '"removes":false');
});

test("a class that is named is made with its schemata or compared, and never removed", () => {
  const { make } = compiled({ closID: "gold", schemata: ["L3:0=f"] }, ["/rdt/gold"]);
  assert.equal(make[0]?.op.args, {
    mount: "/rdt",
    directory: "/rdt/gold",
    writes: [["L3:0=f"]],
    existing: "compare",
    removes: false,
  });
});

test("a class that is named without schemata has to be there", () => {
  assert.equal(planOf({ closID: "gold" }), ["host rdt.join $init → /rdt/gold"]);
  assert.equal(planOf({ closID: "/" }), ["host rdt.join $init → /rdt"]);
  const { problems } = compiled({ closID: "gold" }, ["/rdt/gold"]);
  assert.equal(pointers(problems), ["/linux/intelRdt/closID"]);
  shows("linux.intelRdt.closID.missing");
});

test("names of resctrl's own directories are no classes", () => {
  for (const name of ["info", "mon_data", "mon_groups"]) {
    assert.equal(pointers(compiled({ closID: name }).problems), ["/linux/intelRdt/closID"]);
    assert.equal(pointers(compiled({}, [], name).problems), ["/linux/intelRdt/closID"]);
  }
});

test("a monitoring group is made in the class and joined after it", () => {
  const missing = ["/rdt/demo", "/rdt/demo/mon_groups/demo"];
  assert.equal(planOf({ enableMonitoring: true }, missing), [
    "host rdt.class /rdt/demo",
    "host rdt.group /rdt/demo/mon_groups/demo",
    "host rdt.join $init → /rdt/demo",
    "host rdt.join $init → /rdt/demo/mon_groups/demo",
  ]);
  assert.equal(planOf({ enableMonitoring: true, closID: "/" }, ["/rdt/mon_groups/demo"]), [
    "host rdt.group /rdt/mon_groups/demo",
    "host rdt.join $init → /rdt",
    "host rdt.join $init → /rdt/mon_groups/demo",
  ]);
});

const written: [field: IntelRdt, writes: string[][]][] = [
  [{ l3CacheSchema: "L3:0=f" }, [["L3:0=f"]]],
  [{ memBwSchema: "MB:0=20" }, [["MB:0=20"]]],
  [{ memBwSchema: "MB:0=20", l3CacheSchema: "L3:0=f" }, [["L3:0=f", "MB:0=20"]]],
  [{ memBwSchema: "MB:0=20", l3CacheSchema: "MB:0=70" }, [["MB:0=20"]]],
  [{ l3CacheSchema: "MB:0=70" }, [["MB:0=70"]]],
  [{ schemata: ["L2:0=f", "MB:0=20"] }, [["L2:0=f", "MB:0=20"]]],
  [
    { schemata: ["L3:0=1"], memBwSchema: "MB:0=20", l3CacheSchema: "L3:0=f" },
    [["L3:0=f", "MB:0=20"], ["L3:0=1"]],
  ],
  [{ schemata: [], l3CacheSchema: "" }, []],
];

test("the older fields are written together and first, schemata last", () => {
  for (const [field, writes] of written) {
    const args = JSON.parse(JSON.stringify(compiled(field).make[0]?.op.args));
    assert.equal(args.writes, writes, JSON.stringify(field));
  }
  shows("linux.intelRdt.one-schema", "linux.intelRdt.no-schema", "linux.intelRdt.both-schemas");
});

test("the mount of resctrl is found among the others", () => {
  const mountinfo =
    "22 1 0:20 / /sys rw - sysfs sysfs rw\n" +
    "40 22 0:33 / /sys/fs/re\\040sctrl rw,nosuid shared:9 - resctrl resctrl rw\n";
  assert.is(mountOf("resctrl", mountinfo), "/sys/fs/re sctrl");
  assert.is(mountOf("resctr", mountinfo), null);
  assert.is(mountOf("resctrl", ""), null);
});

test.run();
