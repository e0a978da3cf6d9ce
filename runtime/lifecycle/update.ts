// update: other resources for a container that is there (config-linux.md#control-groups).

import { placesOf } from "../cgroup/places.ts";
import type { UpdatedUnit } from "../clauses/update.ts";
import { parseConfig, parseResources } from "../config/parse.ts";
import type { Resources } from "../config/types.gen.ts";
import { runHostPlan } from "../engine/run.ts";
import { StateError } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { probeHost } from "../host/probe.ts";
import type { Log } from "../log.ts";
import { updatePlan } from "../plan/update.ts";
import { directoryOf, lockDirectory, type Place } from "../store/directory.ts";
import { readRecord, type UnitIdentity } from "../store/record.ts";
import { closeFd, readFile, readText } from "../sys/file.ts";
import { statusOf } from "./status.ts";
import { textIfThere } from "./text-if-there.ts";

export interface UpdateOptions extends Place {
  /** A file of resources as JSON, or "-" for standard input; or the resources themselves. */
  change: { file: string } | { resources: Resources };
  /** Lines for its class of service in resctrl. */
  schemata: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
}

/**
 * Changes the resources of a container: all that the change says, or nothing.
 * @throws StateError when it has stopped; ConfigError for what cannot be; StepError when the kernel
 *   refuses something, with everything as it was before
 */
export function update(options: UpdateOptions): void {
  const { log, environment, schemata } = options;
  const change = changeOf(options);
  const lock = lockDirectory(options);
  try {
    const record = readRecord(options);
    const status = statusOf(options, record);
    if (record === undefined || status === "creating" || status === "stopped") {
      throw new StateError("container not running");
    }
    const facts = probeHost();
    const directory = directoryOf(options);
    const copy = `${directory}/config.json`;
    const { linux } = parseConfig(readFile(copy), copy);
    const container = {
      id: options.id,
      directory,
      resources: keptResources(directory) ?? linux?.resources ?? {},
      intelRdt: linux?.intelRdt,
      unit: record.unit === undefined ? null : unitOf(record.unit, facts),
      cgroups: placesOf(record.cgroups, facts.cgroup),
    };
    const plan = updatePlan({ resources: change, schemata }, container, {
      facts,
      file: fileOf(options),
    });
    runHostPlan({ plan, environment, warn: (text) => log.warn(text) });
  } finally {
    closeFd(lock);
  }
}

function unitOf({ address, name }: UnitIdentity, { uid, userNamespace }: HostFacts): UpdatedUnit {
  const {
    findManager,
  }: typeof import("../cgroup/systemd/manager.ts") = require("../cgroup/systemd/manager.ts");
  return { name, manager: findManager(address, { user: uid !== 0 || userNamespace }) };
}

/** What errors call the change. */
function fileOf({ change }: UpdateOptions): string {
  if (!("file" in change)) return "update";
  return change.file === "-" ? "standard input" : change.file;
}

function changeOf(options: UpdateOptions): Resources {
  const { change } = options;
  if (!("file" in change)) return change.resources;
  const STDIN = 0;
  const text = change.file === "-" ? readText(STDIN) : readFile(change.file);
  return parseResources(text, fileOf(options));
}

/** What an earlier update has left in force. */
function keptResources(directory: string): Resources | undefined {
  const file = `${directory}/resources.json`;
  const text = textIfThere(file);
  return text === undefined ? undefined : parseResources(text, file);
}
