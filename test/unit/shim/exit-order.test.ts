// The order in which ends are told, for every order in which things can happen.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { isEnding, tellable } from "../../../shim/task/exit-order.ts";
import { newProcess, type TaskProcess } from "../../../shim/task/task.ts";

const EXIT = { status: 0, at: { seconds: 0n, nanos: 0 } };
const NAMES = { stdin: "", stdout: "", stderr: "", terminal: false };

type Event = `${"starts" | "begins" | "fails" | "ends"} ${string}`;

/** What happens to each process, in its own order; its end may come before its start is known. */
const lives: Record<string, Event[][]> = {
  init: [
    ["starts init", "begins init", "ends init"],
    ["starts init", "ends init", "begins init"],
    ["ends init"],
  ],
  one: [
    [],
    ["starts one", "begins one", "ends one"],
    ["starts one", "ends one", "begins one"],
    ["starts one", "fails one"],
  ],
  two: [
    ["starts two", "begins two", "ends two"],
    ["starts two", "fails two"],
  ],
};

test("whatever comes when: each end once, after its start, and init's as the last", () => {
  let count = 0;
  for (const init of lives["init"] ?? []) {
    for (const one of lives["one"] ?? []) {
      for (const two of lives["two"] ?? []) {
        for (const order of interleavings([init, one, two])) {
          count++;
          check(order);
        }
      }
    }
  }
  assert.ok(count > 5_000, `${count} orders`);
});

test.run();

function check(order: readonly Event[]): void {
  const { told, refused } = tell(order);
  const ending = order.filter((event) => event.startsWith("ends")).map((event) => event.slice(5));
  const text = order.join(", ");
  assert.equal(told.toSorted(), ending.filter((who) => !refused.has(who)).toSorted(), text);
  assert.is(told.at(-1), "init", text);
}

/** Who is told of in which order, and whose start is refused; nobody is told of before its start. */
function tell(order: readonly Event[]): { told: string[]; refused: Set<string> } {
  const of = (execId: string): TaskProcess => ({
    ...newProcess(execId, NAMES),
    state: "created",
  });
  const processes = new Map(
    [of(""), of("one"), of("two")].map((process) => [process.execId, process]),
  );
  const init = processes.get("") ?? of("");
  const execs = new Map([...processes].filter(([execId]) => execId !== ""));
  const told: string[] = [];
  const refused = new Set<string>();
  for (const event of order) {
    const [what = "", who = ""] = event.split(" ");
    const process = processes.get(who === "init" ? "" : who);
    if (process === undefined) throw new Error(event);
    if (what === "starts" && who !== "init" && isEnding({ init })) refused.add(who);
    if (refused.has(who)) continue;
    if (what === "ends") process.ending = EXIT;
    else process.state = STATES[what] ?? "created";
    for (const next of tellable({ init, execs })) {
      assert.is.not(next.state, "starting", order.join(", "));
      next.state = "stopped";
      told.push(next.execId || "init");
    }
  }
  return { told, refused };
}

const STATES: Record<string, TaskProcess["state"]> = {
  starts: "starting",
  begins: "running",
  fails: "stopped",
};

/** All orders of the events of many, each of whom keeps its own. */
function interleavings(lists: readonly (readonly Event[])[]): Event[][] {
  const rest = lists.filter((list) => list.length > 0);
  if (rest.length === 0) return [[]];
  return rest.flatMap((list) => {
    const [first, ...others] = list;
    if (first === undefined) return [];
    const after = rest.map((other) => (other === list ? others : other));
    return interleavings(after).map((order) => [first, ...order]);
  });
}
