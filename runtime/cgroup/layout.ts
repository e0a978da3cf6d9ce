// Which cgroup hierarchies a machine has and where the caller stands in them. Pure: text in, facts out.

/** One mounted hierarchy. */
export interface Hierarchy {
  /** v1 controllers (`["cpu", "cpuacct"]`) or `["name=systemd"]`; empty for cgroup v2. */
  readonly controllers: readonly string[];
  /** Mount point, such as "/sys/fs/cgroup/memory". */
  readonly mount: string;
  /** The caller's own cgroup in it, from the mount's root, such as "/user.slice". */
  readonly own: string;
}

export interface CgroupLayout {
  /** v1; hybrid: v1 with a cgroup2 hierarchy without controllers beside it; v2; none mounted. */
  readonly mode: "v1" | "hybrid" | "v2" | "none";
  readonly hierarchies: readonly Hierarchy[];
}

/**
 * The layout by the texts of /proc/self/mountinfo and /proc/self/cgroup (proc_pid_mountinfo(5),
 * cgroups(7)). Of a hierarchy that is mounted several times, the first mount counts. Where cgroup2
 * is mounted at /sys/fs/cgroup the machine is v2, whatever v1 hierarchies stand beside it.
 */
export function cgroupLayout(mountinfo: string, selfCgroup: string): CgroupLayout {
  const memberships = membershipsFrom(selfCgroup);
  const v1: Hierarchy[] = [];
  let v2: Hierarchy | undefined;
  let atRoot: CgroupMount["type"] | undefined;
  for (const mount of cgroupMounts(mountinfo)) {
    if (mount.target === "/sys/fs/cgroup") atRoot = mount.type;
    const member = memberships.find((membership) => isMountOf(mount, membership));
    if (member === undefined) continue;
    const { controllers } = member;
    const found = { controllers, mount: mount.target, own: ownCgroup(mount.root, member.path) };
    if (mount.type === "cgroup2") v2 ??= found;
    else if (!v1.some((one) => one.controllers === controllers)) v1.push(found);
  }
  if (v2 && (v1.length === 0 || atRoot === "cgroup2")) return { mode: "v2", hierarchies: [v2] };
  if (v2) return { mode: "hybrid", hierarchies: [...v1, v2] };
  return { mode: v1.length === 0 ? "none" : "v1", hierarchies: v1 };
}

interface Membership {
  controllers: readonly string[];
  path: string;
}

interface CgroupMount {
  type: "cgroup" | "cgroup2";
  /** The cgroup that is the mount's root, from the root of the hierarchy. */
  root: string;
  target: string;
  /** v1: controllers and other options of the hierarchy. */
  options: readonly string[];
}

/** Lines such as `4:cpu,cpuacct:/user.slice`; the last field is a path that may hold colons. */
function membershipsFrom(selfCgroup: string): Membership[] {
  const memberships: Membership[] = [];
  for (const line of selfCgroup.split("\n")) {
    const first = line.indexOf(":");
    const second = line.indexOf(":", first + 1);
    if (second === -1) continue;
    const list = line.slice(first + 1, second);
    memberships.push({
      controllers: list === "" ? [] : list.split(","),
      path: line.slice(second + 1),
    });
  }
  return memberships;
}

function isMountOf(mount: CgroupMount, membership: Membership): boolean {
  const [first] = membership.controllers;
  if (mount.type === "cgroup2") return first === undefined;
  return first !== undefined && mount.options.includes(first);
}

/** Mountinfo can have thousands of lines; only those that name a cgroup filesystem are taken apart. */
function cgroupMounts(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  const mark = " - cgroup";
  for (let at = mountinfo.indexOf(mark); at !== -1; ) {
    const start = mountinfo.lastIndexOf("\n", at) + 1;
    const newline = mountinfo.indexOf("\n", at);
    const end = newline === -1 ? mountinfo.length : newline;
    const [, , , root = "/", target = "/"] = mountinfo.slice(start, at).split(" ", 5);
    const [type, , options = ""] = mountinfo.slice(at + 3, end).split(" ");
    if (type === "cgroup" || type === "cgroup2") {
      mounts.push({
        type,
        root: unescapeOctal(root),
        target: unescapeOctal(target),
        options: options.split(","),
      });
    }
    at = mountinfo.indexOf(mark, end);
  }
  return mounts;
}

/** The first place where a filesystem of a type is mounted; null if there is none. */
export function mountOf(type: string, mountinfo: string): string | null {
  const line = mountinfo.split("\n").find((one) => one.includes(` - ${type} `));
  const target = line?.split(" ")[4];
  return target === undefined ? null : unescapeOctal(target);
}

/**
 * Where a cgroup is below a mount of part of its hierarchy, as containers without a cgroup
 * namespace see it. One that is not below it cannot be reached: the mount's root is the nearest.
 */
function ownCgroup(mountRoot: string, path: string): string {
  if (mountRoot === "/" || path === mountRoot) return mountRoot === "/" ? path : "/";
  return path.startsWith(`${mountRoot}/`) ? path.slice(mountRoot.length) : "/";
}

/** The kernel writes space, tab, newline and backslash in paths as `\040` and so on. */
function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
