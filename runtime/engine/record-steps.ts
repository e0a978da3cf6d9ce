// The steps of a child, recorded by its maker instead of performed.

import type { OpContext } from "../ops/op.ts";
import type { Slots } from "../ops/slots.ts";
import type { Plan } from "../plan/step.ts";
import { closeAllBut } from "../sys/file.ts";
import { piece } from "../sys/memory.ts";
import { NR } from "../sys/nr.ts";
import { type Recording, recordTape, type Tape } from "../sys/tape.ts";
import { REPORT } from "../sys/tape-player.ts";
import { Untaped } from "../sys/untaped.ts";

interface Child {
  slots: Slots;
  /** Its end of the baton. */
  baton: number;
  /** Where it reports; see recordTape. */
  report: { address: number; fd: number };
  warn(text: string): void;
}

/** Whether every step that the host does not perform can be recorded. */
export function isRecordable(plan: Plan): boolean {
  return plan.every(({ who, op }) => who === "host" || (who === "init" && op.record !== undefined));
}

/**
 * Records the steps of a plan that is recordable.
 * @param slots the child's; changed
 * @throws Untaped when the answers that they need are not there at once
 */
export function recordSteps(plan: Plan, child: Child): Tape {
  const { slots, baton, report } = child;
  return recordTape({ fds: [...slots.all(), baton], report }, (recording) => {
    const context = recordingContext(child, recording);
    const awaited = new Set(plan.map(({ after }) => after));
    for (const [index, { who, op, after }] of plan.entries()) {
      if (who === "host") continue;
      // What the bytes are does not matter to either side.
      if (after !== undefined) recording.add(NR.read, [baton, piece(1).address, 1], 1);
      op.record?.(context, recording);
      if (!awaited.has(index)) continue;
      if (op.gives !== undefined) untaped();
      recording.add(NR.write, [baton, piece(1).address, 1], 1);
    }
  });
}

function recordingContext({ slots, baton, warn }: Child, recording: Recording): OpContext {
  let kept: (() => never) | undefined;
  return {
    slots,
    found: new Map(),
    keepCall: (call) => {
      kept = call;
    },
    keptCall: () => kept ?? untaped(),
    closeOthers: (first) => closeAllBut([...slots.all(), baton], first),
    requireHost: () => {
      const poll = piece(8);
      poll.bytes.writeInt32LE(baton, 0);
      recording.add(NR.ppoll, [poll.address, 1, piece(16).address, 0, 8], 0);
    },
    resultAddress: () => REPORT,
    warn,
    clone: untaped,
    inChild: untaped,
    adoptInit: untaped,
    initPid: untaped,
    joinerPid: untaped,
    spawn: untaped,
    record: untaped,
    leaveHost: untaped,
    enterStart: untaped,
    adoptProgram: untaped,
    letProgramGo: untaped,
    awaitProgram: untaped,
    recorderFd: untaped,
  };
}

function untaped(): never {
  throw new Untaped("it needs its maker");
}
