// Which containers share a shim: those of a pod.

import { ENOENT } from "../../runtime/errno.ts";
import { SyscallError } from "../../runtime/errors.ts";
import { readFile } from "../../runtime/sys/file.ts";

/** What says so, the first that is there. */
const ANNOTATIONS = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

/**
 * The group of the container whose bundle is the working directory: its pod, or itself. A sandbox
 * may have no configuration.
 */
export function groupOf(id: string): string {
  const annotations = annotationsIn("config.json");
  const name = ANNOTATIONS.find((one) => typeof annotations[one] === "string");
  return name === undefined ? id : String(annotations[name]);
}

function annotationsIn(path: string): Readonly<Record<string, unknown>> {
  const config = parsed(textOf(path));
  return fieldsOf(fieldsOf(config)["annotations"]);
}

function textOf(path: string): string {
  try {
    return readFile(path);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) return "{}";
    throw error;
  }
}

/** What is wrong with a configuration is for Create to say. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
