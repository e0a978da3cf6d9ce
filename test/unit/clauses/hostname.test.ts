import { test } from "uvu";
import * as assert from "uvu/assert";
import { hostname } from "../../../runtime/clauses/hostname.ts";
import { configOf, lines, pointers, reasons } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

const linux = { namespaces: [{ type: "uts" as const }] };

test("both names are set by init", () => {
  const config = configOf({ hostname: "box", domainname: "example.test", linux });
  const { steps, problems } = hostname(config, demo);
  assert.equal(lines(steps), ["init hostname.set box", "init domainname.set example.test"]);
  assert.equal(reasons(steps), ["/hostname", "/domainname"]);
  assert.equal(problems, []);
});

test("names that are absent or empty are left as they are", () => {
  assert.equal(hostname(configOf({}), demo), { steps: [], problems: [] });
  assert.equal(hostname(configOf({ hostname: "" }), demo), { steps: [], problems: [] });
});

test("without a uts namespace that is not the caller's, names would be the host's", () => {
  const config = configOf({ hostname: "box", domainname: "example.test" });
  assert.equal(pointers(hostname(config, demo).problems), ["/hostname", "/domainname"]);
  const shared = { ...demo, callerNamespaces: ["uts"] };
  const joined = configOf({ hostname: "box", linux });
  assert.equal(pointers(hostname(joined, shared).problems), ["/hostname"]);
});

test.run();
