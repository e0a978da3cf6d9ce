// Rules between the fields of a whole configuration.

import { memoryPolicyRules } from "./memory-policy-rules.ts";
import { processRules } from "./process-rules.ts";
import { resourcesRules } from "./resources-rules.ts";
import { seccompRules } from "./seccomp-rules.ts";
import type { Config, Device, Linux, Mount, Namespace, NamespaceType } from "./types.gen.ts";
import { validateConfig, validateProcess } from "./validate.gen.ts";
import { repeated, type Violation } from "./violation.ts";

/** Violations in a configuration that fits its schema. */
export function configRules(config: Config): Violation[] {
  const { hostname, domainname, linux, mounts, process } = config;
  const violations: Violation[] = [];
  // A rule that has nothing to look at is not called: a first call costs more than the look.
  if (process !== undefined) violations.push(...processRules(process, "/process"));
  if (mounts !== undefined) violations.push(...mountRules(mounts, config));
  if (hostname !== undefined || domainname !== undefined) violations.push(...hostNameRules(config));
  if (linux !== undefined) violations.push(...linuxRules(linux));
  return violations;
}

/** Violations in those parts of a broken configuration that are whole: the process, or the rest. */
export function rulesOfParts(value: unknown): Violation[] {
  if (typeof value !== "object" || value === null) return [];
  if ("process" in value && validateProcess(value.process)) {
    return processRules(value.process, "/process");
  }
  const rest: unknown = { ...value, process: undefined };
  return validateConfig(rest) ? configRules(rest) : [];
}

function linuxRules(linux: Linux): Violation[] {
  const { devices, memoryPolicy, namespaces, resources, seccomp } = linux;
  const violations = mappingRules(linux);
  if (namespaces !== undefined) violations.push(...namespaceRules(namespaces));
  if (linux.timeOffsets !== undefined) violations.push(...timeRules(linux));
  if (devices !== undefined) violations.push(...deviceRules(devices));
  if (resources !== undefined) violations.push(...resourcesRules(resources, "/linux/resources"));
  if (memoryPolicy !== undefined) {
    violations.push(...memoryPolicyRules(memoryPolicy, "/linux/memoryPolicy"));
  }
  if (seccomp !== undefined) violations.push(...seccompRules(seccomp, "/linux/seccomp"));
  return violations;
}

function namespaceRules(namespaces: readonly Namespace[]): Violation[] {
  return repeated(
    namespaces,
    (namespace) => namespace.type,
    ({ key, index, first }) => ({
      rule: "namespace once",
      pointer: `/linux/namespaces/${index}/type`,
      message: `found ${key} again, wanted each type once (first at /linux/namespaces/${first})`,
      spec: "config-linux.md#namespaces",
    }),
  );
}

function mappingRules(linux: Linux): Violation[] {
  const user = namespaceOf(linux, "user");
  const violations: Violation[] = [];
  for (const field of ["uidMappings", "gidMappings"] as const) {
    const isEmpty = (linux[field] ?? []).length === 0;
    const isMissing = user !== undefined && user.path === undefined && isEmpty;
    if (!isMissing && (user !== undefined || isEmpty)) continue;
    violations.push({
      rule: isMissing ? "mappings missing" : "mappings without namespace",
      pointer: isMissing ? "/linux" : `/linux/${field}`,
      message: isMissing
        ? `found a new user namespace without ${field}, wanted at least one mapping`
        : "found mappings without a user namespace, wanted both",
      spec: "config-linux.md#user-namespace-mappings",
    });
  }
  return violations;
}

function timeRules(linux: Linux): Violation[] {
  const time = namespaceOf(linux, "time");
  if (time !== undefined && time.path === undefined) return [];
  const found = time === undefined ? "without a time namespace" : "with a joined time namespace";
  return [
    {
      rule: "time offsets",
      pointer: "/linux/timeOffsets",
      message: `found offsets ${found}, wanted a new time namespace`,
      spec: "config-linux.md#offset-for-time-namespace",
    },
  ];
}

const PERMISSIONS = 0o7777;

/** Engines pass on what stat(2) says of a node: its type beside its permissions (inode(7)). */
const TYPE_BITS: Readonly<Record<Device["type"], number>> = {
  c: 0o020000,
  u: 0o020000,
  b: 0o060000,
  p: 0o010000,
};

function deviceRules(devices: readonly Device[]): Violation[] {
  const violations: Violation[] = [];
  devices.forEach((device, index) => {
    for (const field of ["major", "minor"] as const) {
      if (device.type === "p" || device[field] !== undefined) continue;
      violations.push({
        rule: "device number",
        pointer: `/linux/devices/${index}`,
        message: `found no ${field} number, wanted one for a device of type ${device.type}`,
        spec: "config-linux.md#devices",
      });
    }
    const { type, fileMode = 0 } = device;
    const typeBits = fileMode & ~PERMISSIONS;
    if (typeBits === 0 || typeBits === TYPE_BITS[type]) return;
    violations.push({
      rule: "device mode",
      pointer: `/linux/devices/${index}/fileMode`,
      message: `found ${fileMode}, wanted an integer from 0 to 511 (permission bits), or with the bits of type ${type}`,
      spec: "config-linux.md#devices",
    });
  });
  return violations;
}

function mountRules(mounts: readonly Mount[], config: Config): Violation[] {
  const violations: Violation[] = [];
  mounts.forEach((mount, index) => {
    const message = mountFault(mount, config);
    if (message === undefined) return;
    const spec = "config.md#posix-platform-mounts";
    violations.push({ rule: "mount mappings", pointer: `/mounts/${index}`, message, spec });
  });
  return violations;
}

function mountFault(mount: Mount, config: Config): string | undefined {
  const { options = [], uidMappings, gidMappings } = mount;
  if ((uidMappings === undefined) !== (gidMappings === undefined)) {
    const [found, other] =
      uidMappings === undefined ? ["gidMappings", "uidMappings"] : ["uidMappings", "gidMappings"];
    return `found ${found} without ${other}, wanted both or neither`;
  }
  const idmap = options.find((option) => option === "idmap" || option === "ridmap");
  if (idmap === undefined || uidMappings !== undefined) return undefined;
  if (config.linux !== undefined && namespaceOf(config.linux, "user") !== undefined) {
    return undefined;
  }
  return `found option ${idmap} without mappings, wanted uidMappings and gidMappings or a user namespace`;
}

function hostNameRules(config: Config): Violation[] {
  const { freebsd, linux, solaris, windows, zos } = config;
  const isElsewhere = [freebsd, solaris, windows, zos].some((platform) => platform !== undefined);
  if (linux === undefined && isElsewhere) return [];
  if (linux !== undefined && namespaceOf(linux, "uts") !== undefined) return [];
  const violations: Violation[] = [];
  for (const field of ["hostname", "domainname"] as const) {
    if ((config[field] ?? "") === "") continue;
    violations.push({
      rule: "host name",
      pointer: `/${field}`,
      message: "found it without a UTS namespace, where it would rename the host; wanted both",
      spec: `config.md#${field}`,
      hint: 'add {"type": "uts"} to /linux/namespaces',
    });
  }
  return violations;
}

function namespaceOf(linux: Linux, type: NamespaceType): Namespace | undefined {
  return linux.namespaces?.find((namespace) => namespace.type === type);
}
