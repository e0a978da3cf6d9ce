// process.user and process.capabilities (config.md#user): who the program is.

import type { Config } from "../config/types.gen.ts";
import type { HostFacts } from "../host/facts.ts";
import { setIdentity } from "../ops/identity.ts";
import { setUmask } from "../ops/process.ts";
import { giveStreams, ownStreams } from "../ops/stdio.ts";
import { type Step, step } from "../plan/step.ts";
import { capabilities } from "./capabilities.ts";
import { mappedId } from "./id-mappings.ts";
import { hasNamespace } from "./namespaces.ts";
import { filters } from "./seccomp.ts";

/** What Docker's and containerd's users rely on where the field is not set. */
const UMASK = 0o022;

export interface IdentityClause {
  warnings: readonly Step[];
  /** By the host: what init may not change, in a user namespace that does not know the owner. */
  give: readonly Step[];
  /** Before the program is looked for: the umask and whose the standard streams are. */
  prepare: readonly Step[];
  /** After the word to go. */
  change: readonly Step[];
}

export function identity(config: Config, facts: HostFacts): IdentityClause {
  const user = config.process?.user ?? { uid: 0, gid: 0 };
  const { sets, held, warnings } = capabilities(config, facts);
  const { uid, gid, additionalGids = [], umask } = user;
  const umaskPointer = umask === undefined ? "" : "/process/user/umask";
  return {
    warnings,
    give: facts.uid === 0 ? giving(config, { uid, gid }) : [],
    prepare: [
      ...(config.process?.terminal ? [] : [step("init", ownStreams({ uid }), "/process/user/uid")]),
      step("init", setUmask({ mask: umask ?? UMASK }), umaskPointer),
    ],
    change: [
      step(
        "init",
        setIdentity({
          uid,
          gid,
          additionalGids,
          ...sets,
          held,
          mayKeepGroups: hasNamespace(config, "user") || facts.userNamespace,
          // With no_new_privs a filter needs no privilege, and execve(2) would let it be kept.
          keepSysAdmin: filters(config) && config.process?.noNewPrivileges !== true,
        }),
        "/process/user",
      ),
    ],
  };
}

function giving(config: Config, user: { uid: number; gid: number }): Step[] {
  if (config.process?.terminal || !hasNamespace(config, "user")) return [];
  const [uid, gid] = [mappedId(config, "uid", user.uid), mappedId(config, "gid", user.gid)];
  if (uid === undefined || gid === undefined) return [];
  return [step("host", giveStreams({ uid, gid }), "/process/user")];
}
