// process.apparmorProfile, process.selinuxLabel (config.md#linux-process) and linux.mountLabel
// (config-linux.md#mount-label): where a security module can apply them.

import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { labelMount, setApparmorProfile, setKeyLabel, setSelinuxLabel } from "../ops/label.ts";
import { warn } from "../ops/warn.ts";
import { type Step, step } from "../plan/step.ts";

const PROFILE = "/process/apparmorProfile";
const LABEL = "/process/selinuxLabel";
const MOUNT_LABEL = "/linux/mountLabel";

export interface SecurityLabelsClause {
  warnings: readonly Step[];
  /** What execve(2) will apply. */
  steps: readonly Step[];
  problems: readonly Problem[];
}

/**
 * A program that was to be confined does not run without: its profile or label is refused where no
 * module would apply it. A label of mounts confines nobody, it lets a confined program in; where
 * nobody is confined the program sees the same without it, and it is left out with a warning.
 */
export function securityLabels(config: Config, facts: HostFacts): SecurityLabelsClause {
  const { apparmorProfile: profile = "", selinuxLabel: label = "" } = config.process ?? {};
  const mountLabel = config.linux?.mountLabel ?? "";
  const steps: Step[] = [];
  const problems: Problem[] = [];
  if (profile !== "") {
    if (facts.apparmor) steps.push(step("init", setApparmorProfile({ profile }), PROFILE));
    else problems.push(refusal(PROFILE, profile, "AppArmor"));
  }
  if (label !== "") {
    if (facts.selinux) steps.push(step("init", setSelinuxLabel({ label }), LABEL));
    else problems.push(refusal(LABEL, label, "SELinux"));
  }
  const text = `${MOUNT_LABEL}: "${mountLabel}" has no effect, because SELinux is not on here`;
  const isIdle = mountLabel !== "" && !facts.selinux;
  return { warnings: isIdle ? [step("host", warn({ text }), MOUNT_LABEL)] : [], steps, problems };
}

function refusal(pointer: string, found: string, module: string): Problem {
  return {
    pointer,
    message: `found "${found}", which nothing would apply: ${module} is not on here`,
    spec: "config.md#linux-process",
    hint: `turn ${module} on, or leave it out`,
  };
}

/** Steps around the one that makes the session keyring: it gets the label of the program. */
export function labelledKeyring(config: Config, facts: HostFacts, make: Step): readonly Step[] {
  const label = config.process?.selinuxLabel ?? "";
  if (label === "" || !facts.selinux) return [make];
  return [
    step("init", setKeyLabel({ label }), LABEL),
    make,
    step("init", setKeyLabel({ label: null }), LABEL),
  ];
}

/** The kernel labels these by rules of its own. */
const UNLABELLED: readonly string[] = ["proc", "sysfs", "cgroup", "cgroup2", "mqueue"];

/**
 * Options of a new filesystem, and the one that labels it unless they name another. Bind mounts keep
 * the labels of their files.
 */
export function labelledOptions(
  config: Config,
  facts: HostFacts,
  { type, data }: { type: string; data: readonly string[] },
): readonly string[] {
  const label = config.linux?.mountLabel ?? "";
  if (label === "" || UNLABELLED.includes(type) || !facts.selinux) return data;
  return data.some((one) => one.startsWith("context=")) ? data : [...data, `context="${label}"`];
}

/** What labels a mount that takes no such option, once it is in place. */
export function mountLabelSteps(
  config: Config,
  facts: HostFacts,
  mount: { type: string; target: string },
): Step[] {
  const label = config.linux?.mountLabel ?? "";
  if (label === "" || mount.type !== "mqueue" || !facts.selinux) return [];
  return [step("init", labelMount({ path: mount.target, label }), MOUNT_LABEL)];
}
