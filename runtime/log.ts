// The log: lines of text as logrus writes them, or JSON that containerd, Podman and CRI-O read.
// Nothing is opened or loaded before the first line is written: most runs write none.

import { escapeControls } from "./escape-controls.ts";
import { printError } from "./print.ts";

/** Where the program tells what happens to it. */
export interface Log {
  /** Whether debug lines are written. */
  readonly debugs: boolean;
  /** For --debug. Fields become keys of the line, such as `{ step: 3, op: "clone", micros: 90 }`. */
  debug(message: string, fields?: object): void;
  warn(message: string): void;
  error(message: string, fields?: object): void;
}

/** Severities, least severe first, as callers match them. */
const LEVELS = ["debug", "warning", "error"] as const;

export type LogLevel = (typeof LEVELS)[number];
export type LogFormat = "text" | "json";

export interface LogOptions {
  /** Absolute path of the file to append to, mode 0644; standard error without it. */
  file?: string;
  format: LogFormat;
  /** Least severe level that is written. */
  level: LogLevel;
}

type Write = (level: LogLevel, message: string, fields?: object) => void;

/** A log. Every line reaches its file before the call returns. */
export function createLog(options: LogOptions): Log {
  let write: Write = (level, message, fields) => {
    write = options.format === "json" ? jsonWriter(options.file) : textWriter(options.file);
    write(level, message, fields);
  };
  const debugs = options.level === "debug";
  const warns = options.level !== "error";
  return {
    debugs,
    debug(message, fields) {
      if (debugs) write("debug", escapeControls(message), fields);
    },
    warn(message) {
      if (warns) write("warning", escapeControls(message));
    },
    error(message, fields) {
      write("error", escapeControls(message), fields);
    },
  };
}

/** The level of a name, if there is one. */
export function logLevel(name: string | undefined): LogLevel | undefined {
  for (const level of LEVELS) if (level === name) return level;
  return undefined;
}

function textWriter(file: string | undefined): Write {
  const fd = file === undefined ? undefined : openLog(file);
  if (fd === undefined) return (...line) => printError(logLine(...line));
  const fs: typeof import("node:fs") = require("node:fs");
  return (...line) => {
    fs.writeSync(fd, `${logLine(...line)}\n`);
  };
}

/** logrus's text format: `time="…" level=error msg="…" key=value`. */
export function logLine(level: LogLevel | "info", message: string, fields: object = {}): string {
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${textValue(value)}`);
  return `time="${timeNow()}" level=${level} msg=${quoted(message)}${rest.join("")}`;
}

function textValue(value: unknown): string {
  const text = escapeControls(Array.isArray(value) ? value.join("; ") : String(value));
  return /^[\w./:@^+-]+$/.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replace(/"/g, '\\"')}"`;
}

// containerd takes the last object whose level is exactly "error", and its msg; Podman the first
// object's msg. pino puts these three keys first and writes each line with one write(2).
function jsonWriter(file: string | undefined): Write {
  const fd = (file === undefined ? undefined : openLog(file)) ?? 2;
  const { pino }: typeof import("pino") = require("pino");
  const logger = pino(
    {
      level: "debug",
      base: null,
      timestamp: false,
      formatters: { level: (label) => ({ level: label === "warn" ? "warning" : label }) },
    },
    pino.destination({ dest: fd, sync: true }),
  );
  return (level, message, fields) => {
    const line = { msg: message, time: timeNow(), ...fields };
    if (level === "warning") logger.warn(line);
    else logger[level](line);
  };
}

function openLog(file: string): number | undefined {
  const fs: typeof import("node:fs") = require("node:fs");
  try {
    return fs.openSync(file, "a", 0o644);
  } catch (error) {
    // What was to be logged matters more than where: it goes to standard error.
    const reason = error instanceof Error ? error.message : String(error);
    printError(logLine("error", escapeControls(`cannot open the log ${file}: ${reason}`)));
    return undefined;
  }
}

// In UTC: the zone's file is not to be looked for, least of all in a container.
function timeNow(): string {
  return new Date().toISOString();
}
