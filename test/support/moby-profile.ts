// Profiles in the form of Docker and Podman, whose entries hold for some capabilities and machines
// alone, turned into `linux.seccomp` for one container, as engines do.

import type { Seccomp, SeccompArg, SeccompSyscall } from "../../runtime/seccomp/profile.ts";

export interface MobyProfile {
  defaultAction: string;
  defaultErrnoRet?: number;
  archMap: { architecture: string; subArchitectures: string[] }[];
  syscalls: MobyEntry[];
}

interface MobyEntry {
  names: string[];
  action: string;
  errnoRet?: number;
  args: SeccompArg[] | null;
  includes: { caps?: string[]; arches?: string[] };
  excludes: { caps?: string[]; arches?: string[] };
}

/** @param arch Go's name of the machine, such as "amd64". */
export function ociProfile(
  moby: MobyProfile,
  { arch, capabilities }: { arch: string; capabilities: readonly string[] },
): Seccomp {
  const native = arch === "amd64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
  const { subArchitectures = [] } =
    moby.archMap.find(({ architecture }) => architecture === native) ?? {};
  const isMeant = ({ includes, excludes }: MobyEntry): boolean =>
    (includes.arches?.includes(arch) ?? true) &&
    (includes.caps?.every((name) => capabilities.includes(name)) ?? true) &&
    !excludes.arches?.includes(arch) &&
    !excludes.caps?.some((name) => capabilities.includes(name));
  return {
    defaultAction: moby.defaultAction,
    ...(moby.defaultErrnoRet !== undefined && { defaultErrnoRet: moby.defaultErrnoRet }),
    architectures: [native, ...subArchitectures],
    syscalls: moby.syscalls.filter(isMeant).map(
      ({ names, action, errnoRet, args }): SeccompSyscall => ({
        names,
        action,
        ...(errnoRet !== undefined && { errnoRet }),
        ...(args !== null && { args }),
      }),
    ),
  };
}
