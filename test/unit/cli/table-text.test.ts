import { test } from "uvu";
import * as assert from "uvu/assert";
import { tableText } from "../../../runtime/cli/table-text.ts";

test("narrow columns are 12 wide, as Go's tabwriter makes them", () => {
  assert.is(
    tableText([["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]]),
    "ID          PID         STATUS      BUNDLE      CREATED     OWNER",
  );
});

test("a wide cell widens its column to 3 spaces more, and the last column is not padded", () => {
  assert.is(
    tableText([
      ["ID", "PID", "OWNER"],
      ["a-name-of-16-char", "1", "root"],
      ["ä", "4194304", "#1000"],
    ]),
    [
      "ID                  PID         OWNER",
      "a-name-of-16-char   1           root",
      "ä                   4194304     #1000",
    ].join("\n"),
  );
});

test.run();
