// containerd.task.v2 and v3, which differ in the name of the package alone.

import { Any, Empty, Mount, Timestamp } from "./common.ts";
import { many, message, one } from "./message.ts";

/** containerd.v1.types.Status. */
export const STATUS = { created: 1, running: 2, stopped: 3, paused: 4, pausing: 5 } as const;

export const StateRequest = message("containerd.task.v3.StateRequest", {
  id: one(1, "string"),
  execId: one(2, "string"),
});

export const StateResponse = message("containerd.task.v3.StateResponse", {
  id: one(1, "string"),
  bundle: one(2, "string"),
  pid: one(3, "uint32"),
  status: one(4, "enum"),
  stdin: one(5, "string"),
  stdout: one(6, "string"),
  stderr: one(7, "string"),
  terminal: one(8, "bool"),
  exitStatus: one(9, "uint32"),
  exitedAt: one(10, Timestamp),
  execId: one(11, "string"),
});

export const CreateTaskRequest = message("containerd.task.v3.CreateTaskRequest", {
  id: one(1, "string"),
  bundle: one(2, "string"),
  rootfs: many(3, Mount),
  terminal: one(4, "bool"),
  stdin: one(5, "string"),
  stdout: one(6, "string"),
  stderr: one(7, "string"),
  checkpoint: one(8, "string"),
  parentCheckpoint: one(9, "string"),
  options: one(10, Any),
});

export const CreateTaskResponse = message("containerd.task.v3.CreateTaskResponse", {
  pid: one(1, "uint32"),
});

export const StartRequest = message("containerd.task.v3.StartRequest", {
  id: one(1, "string"),
  execId: one(2, "string"),
});

export const StartResponse = message("containerd.task.v3.StartResponse", {
  pid: one(1, "uint32"),
});

export const DeleteRequest = message("containerd.task.v3.DeleteRequest", {
  id: one(1, "string"),
  execId: one(2, "string"),
});

export const DeleteResponse = message("containerd.task.v3.DeleteResponse", {
  pid: one(1, "uint32"),
  exitStatus: one(2, "uint32"),
  exitedAt: one(3, Timestamp),
});

export const PidsRequest = message("containerd.task.v3.PidsRequest", {
  id: one(1, "string"),
});

export const ProcessInfo = message("containerd.v1.types.ProcessInfo", {
  pid: one(1, "uint32"),
  info: one(2, Any),
});

/** In a ProcessInfo's info, of a process that Exec has started. */
export const ProcessDetails = message("containerd.runc.v1.ProcessDetails", {
  execId: one(1, "string"),
});

export const PidsResponse = message("containerd.task.v3.PidsResponse", {
  processes: many(1, ProcessInfo),
});

export const PauseRequest = message("containerd.task.v3.PauseRequest", {
  id: one(1, "string"),
});

export const ResumeRequest = message("containerd.task.v3.ResumeRequest", {
  id: one(1, "string"),
});

export const CheckpointTaskRequest = message("containerd.task.v3.CheckpointTaskRequest", {
  id: one(1, "string"),
  path: one(2, "string"),
  options: one(3, Any),
});

export const KillRequest = message("containerd.task.v3.KillRequest", {
  id: one(1, "string"),
  execId: one(2, "string"),
  signal: one(3, "uint32"),
  all: one(4, "bool"),
});

export const ExecProcessRequest = message("containerd.task.v3.ExecProcessRequest", {
  id: one(1, "string"),
  execId: one(2, "string"),
  terminal: one(3, "bool"),
  stdin: one(4, "string"),
  stdout: one(5, "string"),
  stderr: one(6, "string"),
  /** JSON of an OCI process, whatever its type URL says. */
  spec: one(7, Any),
});

export const ResizePtyRequest = message("containerd.task.v3.ResizePtyRequest", {
  id: one(1, "string"),
  execId: one(2, "string"),
  width: one(3, "uint32"),
  height: one(4, "uint32"),
});

export const CloseIORequest = message("containerd.task.v3.CloseIORequest", {
  id: one(1, "string"),
  execId: one(2, "string"),
  stdin: one(3, "bool"),
});

const Annotation = message("containerd.task.v3.UpdateTaskRequest.AnnotationsEntry", {
  key: one(1, "string"),
  value: one(2, "string"),
});

export const UpdateTaskRequest = message("containerd.task.v3.UpdateTaskRequest", {
  id: one(1, "string"),
  /** JSON of OCI resources. */
  resources: one(2, Any),
  annotations: many(3, Annotation),
});

export const WaitRequest = message("containerd.task.v3.WaitRequest", {
  id: one(1, "string"),
  execId: one(2, "string"),
});

export const WaitResponse = message("containerd.task.v3.WaitResponse", {
  exitStatus: one(1, "uint32"),
  exitedAt: one(2, Timestamp),
});

export const StatsRequest = message("containerd.task.v3.StatsRequest", {
  id: one(1, "string"),
});

export const StatsResponse = message("containerd.task.v3.StatsResponse", {
  stats: one(1, Any),
});

export const ConnectRequest = message("containerd.task.v3.ConnectRequest", {
  id: one(1, "string"),
});

export const ConnectResponse = message("containerd.task.v3.ConnectResponse", {
  shimPid: one(1, "uint32"),
  taskPid: one(2, "uint32"),
  version: one(3, "string"),
});

export const ShutdownRequest = message("containerd.task.v3.ShutdownRequest", {
  id: one(1, "string"),
  now: one(2, "bool"),
});

/** The service's methods, with what each is asked and answers. */
export const TASK = {
  State: { request: StateRequest, response: StateResponse },
  Create: { request: CreateTaskRequest, response: CreateTaskResponse },
  Start: { request: StartRequest, response: StartResponse },
  Delete: { request: DeleteRequest, response: DeleteResponse },
  Pids: { request: PidsRequest, response: PidsResponse },
  Pause: { request: PauseRequest, response: Empty },
  Resume: { request: ResumeRequest, response: Empty },
  Checkpoint: { request: CheckpointTaskRequest, response: Empty },
  Kill: { request: KillRequest, response: Empty },
  Exec: { request: ExecProcessRequest, response: Empty },
  ResizePty: { request: ResizePtyRequest, response: Empty },
  CloseIO: { request: CloseIORequest, response: Empty },
  Update: { request: UpdateTaskRequest, response: Empty },
  Wait: { request: WaitRequest, response: WaitResponse },
  Stats: { request: StatsRequest, response: StatsResponse },
  Connect: { request: ConnectRequest, response: ConnectResponse },
  Shutdown: { request: ShutdownRequest, response: Empty },
} as const;
