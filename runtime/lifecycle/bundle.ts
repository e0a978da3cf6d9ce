// A bundle on disk: its config.json, read with care, and its root filesystem.

import { type ParseOptions, parseConfig } from "../config/parse.ts";
import type { Config } from "../config/types.gen.ts";
import { ENOENT, errnoText } from "../errno.ts";
import { ConfigError, RuntimeError, SyscallError, withHint } from "../errors.ts";
import {
  AT_FDCWD,
  closeFd,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  open,
  readText,
  realPath,
} from "../sys/file.ts";
import { S_IFDIR, S_IFMT, S_IFREG, statusAt, statusOf } from "../sys/status.ts";

/** Far more than any real configuration, far less than what would hurt. */
const CONFIG_BYTES_MAX = 16 * 1024 * 1024;

const BUNDLE_HINT = "--bundle names the folder that has config.json";
const FILE_HINT =
  'a bundle is a folder with config.json: --bundle names it, "runt spec" begins one';

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
  const bundle = told(`cannot find the bundle ${path}`, BUNDLE_HINT, () => realPath(path));
  const file = `${bundle}/config.json`;
  const text = readRegularFile(file, FILE_HINT);
  const config = parseConfig(text, file, options.strict ? strictly() : {});
  return { config, text, path: bundle, rootfs: rootfsOf(config, bundle) };
}

/** What it takes is loaded for those who ask for it. */
function strictly(): ParseOptions {
  const { nearValues }: typeof import("./near-values.ts") = require("./near-values.ts");
  return { strict: true, misspelt: nearValues };
}

/** Neither a fifo, which would wait, nor a device, which would never end, nor a huge file. */
export function readRegularFile(path: string, hint?: string): string {
  const fd = told(`cannot read ${path}`, hint, () => open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  try {
    const { mode, size } = statusOf(fd);
    if ((mode & S_IFMT) !== S_IFREG) {
      throw new RuntimeError(`cannot read ${path}: it is not a regular file`);
    }
    if (size > CONFIG_BYTES_MAX) {
      throw new RuntimeError(
        `cannot read ${path}: ${size} bytes are more than the ${CONFIG_BYTES_MAX} allowed`,
      );
    }
    return readText(fd);
  } finally {
    closeFd(fd);
  }
}

function rootfsOf(config: Config, bundle: string): string {
  const { path } = config.root;
  let rootfs: string;
  try {
    rootfs = realPath(path.startsWith("/") ? path : `${bundle}/${path}`);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw rootProblem(bundle, `found "${path}": ${errnoText(error.errno)}`);
  }
  const status = statusAt(AT_FDCWD, rootfs);
  if (typeof status !== "number" && (status.mode & S_IFMT) === S_IFDIR) return rootfs;
  throw rootProblem(bundle, `found "${path}", which is not a directory`);
}

function rootProblem(bundle: string, message: string): ConfigError {
  const problem = {
    pointer: "/root/path",
    message: `${message}; wanted the directory of the root filesystem`,
    spec: "config.md#root",
    hint: "unpack the image there; a path without / in front begins at the bundle",
  };
  return new ConfigError(`${bundle}/config.json`, [problem]);
}

/** Adds what was being done, and what to do if there is nothing, to an error of the kernel's. */
function told<T>(doing: string, hint: string | undefined, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const told = new RuntimeError(`${doing}: ${errnoText(error.errno)}`);
    throw withHint(told, error.errno === ENOENT ? hint : undefined);
  }
}
