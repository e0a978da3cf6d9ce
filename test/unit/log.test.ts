import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { escapeControls } from "../../runtime/escape-controls.ts";
import { createLog, type LogFormat, type LogLevel } from "../../runtime/log.ts";

const directory = mkdtempSync(join(tmpdir(), "runt-log-"));
test.after(() => rmSync(directory, { recursive: true }));
let files = 0;

function linesOf(format: LogFormat, level: LogLevel): string[] {
  const file = join(directory, `${files++}`);
  const log = createLog({ file, format, level });
  log.debug("a debug line", { step: 3, op: "clone", micros: 90 });
  log.warn("a warning");
  log.error('an "error"\nwith \x1b[31mcolour\u202e');
  return readFileSync(file, "utf8").trimEnd().split("\n");
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;

test("text lines have logrus's form", () => {
  const lines = linesOf("text", "debug").map((line) => line.replace(TIME, "T"));
  assert.equal(lines, [
    'time="T" level=debug msg="a debug line" step=3 op=clone micros=90',
    'time="T" level=warning msg="a warning"',
    'time="T" level=error msg="an \\"error\\"\\nwith \\x1b[31mcolour\\u202e"',
  ]);
});

test("JSON lines begin with level, msg and time, and fields follow", () => {
  const lines = linesOf("json", "debug").map((line) => line.replace(TIME, "T"));
  assert.equal(lines, [
    '{"level":"debug","msg":"a debug line","time":"T","step":3,"op":"clone","micros":90}',
    '{"level":"warning","msg":"a warning","time":"T"}',
    '{"level":"error","msg":"an \\"error\\"\\\\nwith \\\\x1b[31mcolour\\\\u202e","time":"T"}',
  ]);
});

test("lines below the level are not written", () => {
  for (const format of ["text", "json"] as const) {
    assert.is(linesOf(format, "warning").length, 2);
    assert.is(linesOf(format, "error").length, 1);
  }
});

test("a log is appended to and readable by all", () => {
  const file = join(directory, "both");
  for (const format of ["text", "json", "text"] as const) {
    createLog({ file, format, level: "warning" }).error("once");
  }
  assert.is(readFileSync(file, "utf8").split("\n").length, 4);
  assert.is(statSync(file).mode & 0o777, 0o644 & ~process.umask());
});

test("no file appears before the first line", () => {
  const file = join(directory, "none");
  createLog({ file, format: "json", level: "warning" }).debug("not written");
  assert.throws(() => statSync(file), /ENOENT/);
});

test("printable text of any script is left as it is", () => {
  assert.is(escapeControls("grün 猫 \\ 🙂"), "grün 猫 \\ 🙂");
  assert.is(escapeControls("\0\t\r\x7f\x9b\u2028\u2066"), "\\x00\\t\\r\\x7f\\x9b\\u2028\\u2066");
});

test.run();
