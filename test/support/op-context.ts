// What an op sees when a test runs it alone, without an engine.

import type { OpContext } from "../../runtime/ops/op.ts";
import { Slots } from "../../runtime/ops/slots.ts";

/** A context with what the test gives; what else an op may ask for fails. */
export function opContext(given: Partial<OpContext>): OpContext {
  const absent = (): never => {
    throw new Error("the op asks for more than the test gives");
  };
  return {
    slots: new Slots(),
    found: new Map(),
    keepCall: absent,
    keptCall: absent,
    clone: absent,
    inChild: absent,
    adoptInit: absent,
    initPid: absent,
    joinerPid: absent,
    spawn: absent,
    warn: absent,
    record: absent,
    adoptProgram: absent,
    letProgramGo: absent,
    awaitProgram: absent,
    closeOthers: absent,
    requireHost: absent,
    leaveHost: absent,
    enterStart: absent,
    recorderFd: absent,
    resultAddress: absent,
    ...given,
  };
}
