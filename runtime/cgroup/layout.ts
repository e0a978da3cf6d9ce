// Which cgroup hierarchies a machine has and where the caller stands in them. Pure: text in, facts out.

/** One mounted hierarchy. */
export interface Hierarchy {
  /** v1 controllers (`["cpu", "cpuacct"]`) or `["name=systemd"]`; empty for cgroup v2. */
  readonly controllers: readonly string[];
  /** Mount point, such as "/sys/fs/cgroup/memory". */
  readonly mount: string;
  /** The caller's own cgroup in it, from its root, such as "/user.slice". */
  readonly own: string;
}

export interface CgroupLayout {
  /** v1; hybrid: v1 with a cgroup2 hierarchy without controllers beside it; v2; none mounted. */
  readonly mode: "v1" | "hybrid" | "v2" | "none";
  readonly hierarchies: readonly Hierarchy[];
}
