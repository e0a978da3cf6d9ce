// A bundle on disk: its config.json, read with care, and its root filesystem.

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { parseConfig } from "../config/parse.ts";
import type { Config } from "../config/types.gen.ts";
import { ConfigError, RuntimeError } from "../errors.ts";

/** Far more than any real configuration, far less than what would hurt. */
const CONFIG_BYTES_MAX = 16 * 1024 * 1024;

export interface Bundle {
  config: Config;
  /** config.json as it was read; the container keeps this copy. */
  text: string;
  /** Absolute path without symbolic links. */
  path: string;
  /** Root filesystem, absolute and without symbolic links. */
  rootfs: string;
}

/** @throws ConfigError or RuntimeError for everything that is wrong with it */
export function loadBundle(path: string, options: { strict: boolean }): Bundle {
  const bundle = resolved(path, "bundle");
  const file = `${bundle}/config.json`;
  const text = readRegularFile(file);
  const config = parseConfig(text, file, options);
  return { config, text, path: bundle, rootfs: rootfsOf(config, bundle) };
}

/** Neither a fifo, which would wait, nor a device, which would never end, nor a huge file. */
function readRegularFile(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    throw new RuntimeError(`cannot read ${path}: ${reasonOf(error)}`);
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) throw new RuntimeError(`cannot read ${path}: it is not a regular file`);
    if (status.size > CONFIG_BYTES_MAX) {
      throw new RuntimeError(
        `cannot read ${path}: ${status.size} bytes are more than the ${CONFIG_BYTES_MAX} allowed`,
      );
    }
    const bytes = Buffer.alloc(status.size);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(fd);
  }
}

function rootfsOf(config: Config, bundle: string): string {
  const { path } = config.root;
  const rootfs = path.startsWith("/") ? path : `${bundle}/${path}`;
  try {
    const real = realpathSync(rootfs);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    throw rootProblem(bundle, `found "${path}": ${reasonOf(error)}`);
  }
  throw rootProblem(bundle, `found "${path}", which is not a directory`);
}

function rootProblem(bundle: string, message: string): ConfigError {
  const problem = {
    pointer: "/root/path",
    message: `${message}; wanted the directory of the root filesystem`,
    spec: "config.md#root",
  };
  return new ConfigError(`${bundle}/config.json`, [problem]);
}

function resolved(path: string, what: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new RuntimeError(`cannot find the ${what} ${path}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && error.code === "ENOENT" ? "no such file or directory" : error.message;
}
