// containerd.events, and how they are handed to containerd.

import { Any, Mount, Timestamp } from "./common.ts";
import { many, message, one } from "./message.ts";

const TaskIO = message("containerd.events.TaskIO", {
  stdin: one(1, "string"),
  stdout: one(2, "string"),
  stderr: one(3, "string"),
  terminal: one(4, "bool"),
});

const TaskCreate = message("containerd.events.TaskCreate", {
  containerId: one(1, "string"),
  bundle: one(2, "string"),
  rootfs: many(3, Mount),
  io: one(4, TaskIO),
  checkpoint: one(5, "string"),
  pid: one(6, "uint32"),
});

const TaskStart = message("containerd.events.TaskStart", {
  containerId: one(1, "string"),
  pid: one(2, "uint32"),
});

const TaskExit = message("containerd.events.TaskExit", {
  containerId: one(1, "string"),
  /** Of the exec, or the container's for its init. */
  id: one(2, "string"),
  pid: one(3, "uint32"),
  exitStatus: one(4, "uint32"),
  exitedAt: one(5, Timestamp),
});

const TaskDelete = message("containerd.events.TaskDelete", {
  containerId: one(1, "string"),
  pid: one(2, "uint32"),
  exitStatus: one(3, "uint32"),
  exitedAt: one(4, Timestamp),
  id: one(5, "string"),
});

const TaskOOM = message("containerd.events.TaskOOM", {
  containerId: one(1, "string"),
});

const TaskExecAdded = message("containerd.events.TaskExecAdded", {
  containerId: one(1, "string"),
  execId: one(2, "string"),
});

const TaskExecStarted = message("containerd.events.TaskExecStarted", {
  containerId: one(1, "string"),
  execId: one(2, "string"),
  pid: one(3, "uint32"),
});

const TaskPaused = message("containerd.events.TaskPaused", {
  containerId: one(1, "string"),
});

const TaskResumed = message("containerd.events.TaskResumed", {
  containerId: one(1, "string"),
});

/** Each event by its topic. */
export const EVENTS = {
  "/tasks/create": TaskCreate,
  "/tasks/start": TaskStart,
  "/tasks/exit": TaskExit,
  "/tasks/delete": TaskDelete,
  "/tasks/oom": TaskOOM,
  "/tasks/exec-added": TaskExecAdded,
  "/tasks/exec-started": TaskExecStarted,
  "/tasks/paused": TaskPaused,
  "/tasks/resumed": TaskResumed,
} as const;

export type Topic = keyof typeof EVENTS;

const Envelope = message("containerd.types.Envelope", {
  timestamp: one(1, Timestamp),
  namespace: one(2, "string"),
  topic: one(3, "string"),
  event: one(4, Any),
});

export const ForwardRequest = message("containerd.services.events.ttrpc.v1.ForwardRequest", {
  envelope: one(1, Envelope),
});
