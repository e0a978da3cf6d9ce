// Ranges of ids for containers of ordinary users (subuid(5)), and the programs that map them.

import type { Machine } from "../host/machine.ts";
import { good, type Judgement } from "./check.ts";
import { canAdminister } from "./privileges.ts";

const S_ISUID = 0o4000;
const FOLDERS = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"] as const;

export function ranges(machine: Machine): Judgement {
  const { uid, text } = machine;
  const name = nameOf(uid, text("/etc/passwd") ?? "");
  const counts = (["subuid", "subgid"] as const).map((file) => {
    const lines = (text(`/etc/${file}`) ?? "").split("\n").map((line) => line.split(":"));
    const own = lines.filter(([owner]) => owner === name || owner === `${uid}`);
    return { file, count: own.reduce((sum, [, , size]) => sum + Number(size ?? 0), 0) };
  });
  const found = counts.map(({ file, count }) => `/etc/${file}: ${count} ids`).join(", ");
  if (counts.every(({ count }) => count > 0)) return good(`${found} for ${name}`);
  // Who may write any map needs no range.
  if (canAdminister(machine)) return good(`${found} for ${name}, which needs none`);
  return {
    verdict: "limited",
    found: `${found} for ${name}`,
    effect: "maps the caller's own id alone, and refuses mappings of others",
    advice: `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`,
  };
}

export function helpers(machine: Machine): Judgement {
  const wrong = (["newuidmap", "newgidmap"] as const).flatMap((name) => {
    const fault = faultOf(machine, name);
    return fault === undefined ? [] : [`${name} ${fault}`];
  });
  if (wrong.length === 0) return good("newuidmap and newgidmap are there");
  if (canAdminister(machine)) return good(`${wrong.join(", ")}; this caller needs neither`);
  return {
    verdict: "limited",
    found: wrong.join(", "),
    effect: "maps the caller's own id alone, and refuses mappings of others",
    advice: "install them (Debian: uidmap), owned by root with the set-user-id bit",
  };
}

function faultOf({ status, text }: Machine, name: string): string | undefined {
  const found = FOLDERS.map((folder) => status(`${folder}/${name}`)).find(
    (each) => each !== undefined,
  );
  if (found === undefined) return "is missing";
  if (/^NoNewPrivs:\s*1/m.test(text("/proc/self/status") ?? "")) {
    return "has no effect: this process has no_new_privs";
  }
  // Capabilities of files do the same and cannot be seen without a look at the attributes.
  return found.uid !== 0 || (found.mode & S_ISUID) === 0 ? "is not set-user-id root" : undefined;
}

function nameOf(uid: number, passwd: string): string {
  const line = passwd.split("\n").find((each) => each.split(":")[2] === `${uid}`);
  return line?.split(":")[0] ?? `${uid}`;
}
