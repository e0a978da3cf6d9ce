// Which unit of systemd is a container's cgroup, and where that is: runc's reading of
// linux.cgroupsPath with systemd.

/** What has to be known of the manager that makes the unit. */
export interface SystemdManager {
  /** Where it is reached, as D-Bus addresses. */
  readonly address: string;
  /** The caller's own manager, and not that of the machine. */
  readonly user: boolean;
  /** 252, say. */
  readonly version: number;
  /** The manager's own cgroup, from the root of the hierarchy: "" for that of the machine. */
  readonly controlGroup: string;
}

/** A container's unit. */
export interface Unit {
  /** Such as `docker-demo.scope`. */
  readonly name: string;
  /** The slice it belongs to; "" for a slice that is right below the root. */
  readonly slice: string;
  /** Its cgroup, from the root of the hierarchy. */
  readonly path: string;
}

/**
 * `slice:prefix:name` is the scope `prefix-name.scope` in a slice; a name that ends in `.slice` is a
 * slice itself, and says by itself where it stands. An absent path is `:runt:ID`, an absent slice
 * `system.slice`, or the user manager's `user.slice`.
 * @returns what is wrong, as text, if it names no unit
 */
export function unitOf(
  cgroupsPath: string | undefined,
  id: string,
  { user, controlGroup }: Pick<SystemdManager, "user" | "controlGroup">,
): Unit | string {
  const path = cgroupsPath || `:runt:${id}`;
  const [slice = "", prefix = "", last, ...more] = path.split(":");
  if (last === undefined || more.length > 0) {
    return `found ${JSON.stringify(path)}, wanted slice:prefix:name, such as system.slice:runt:${id}`;
  }
  const isSlice = last.endsWith(".slice");
  const parent = slice || (user ? "user.slice" : "system.slice");
  const name = isSlice ? last : `${prefix}-${last}.scope`;
  const wrong = [sliceProblem(parent), isSlice ? sliceProblem(name) : scopeProblem(last, name)];
  const [problem] = wrong.filter((text) => text !== undefined);
  if (problem !== undefined) return `found ${JSON.stringify(path)}, where ${problem}`;
  if (isSlice) {
    const above = name.includes("-") ? name.replace(/-[^-]*$/, ".slice") : "";
    return { name, slice: above, path: `${controlGroup}${slicePath(name)}` };
  }
  return { name, slice: parent, path: `${controlGroup}${slicePath(parent)}/${name}` };
}

/** `a-b.slice` is `/a.slice/a-b.slice`; `-.slice` is the root (systemd.slice(5)). */
export function slicePath(slice: string): string {
  if (slice === "-.slice") return "";
  const parts = slice.slice(0, -".slice".length).split("-");
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("-")}.slice`).join("");
}

const NAME_LETTERS = /^[A-Za-z0-9:_.\\@-]+$/;
const NAME_BYTES_MAX = 255;

function sliceProblem(name: string): string | undefined {
  const parts = name.slice(0, -".slice".length).split("-");
  const isRoot = name === "-.slice";
  if (!name.endsWith(".slice") || (!isRoot && parts.includes(""))) {
    return `"${name}" is not the name of a slice, such as system.slice or a-b.slice`;
  }
  return nameProblem(name);
}

function scopeProblem(last: string, name: string): string | undefined {
  return last === "" ? "the name is empty" : nameProblem(name);
}

function nameProblem(name: string): string | undefined {
  if (NAME_LETTERS.test(name) && name.length <= NAME_BYTES_MAX) return undefined;
  return `"${name}" is not the name of a unit: systemd takes up to 255 letters, digits and any of :_.\\@-`;
}
