// Streams of a process in a pod, as `kubectl exec` and `kubectl attach` have them: a WebSocket to the
// address that containerd tells, whose messages begin with the number of a channel.

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, size: 4 } as const;

/** A connection to a process. */
export interface RemoteCommand {
  /** What the process has written so far. */
  stdout(): string;
  stderr(): string;
  write(text: string): void;
  resize(size: { width: number; height: number }): void;
  /** Goes away without a word. */
  leave(): void;
  /** Its exit code, when it has ended; undefined if the connection ended before. */
  ended: Promise<number | undefined>;
}

/** Connects to an address that `CRI.exec` or `CRI.attach` has answered. */
export async function openRemoteCommand(url: string): Promise<RemoteCommand> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), "v4.channel.k8s.io");
  socket.binaryType = "arraybuffer";
  const shown = { [CHANNEL.stdout]: "", [CHANNEL.stderr]: "", [CHANNEL.status]: "" };
  const send = (channel: number, text: string): void => {
    socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));
  };
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<number | undefined>();
  socket.onopen = () => opened.resolve();
  socket.onerror = () => opened.reject(new Error(`no connection to ${url}`));
  socket.onclose = () => ended.resolve(exitCode(shown[CHANNEL.status]));
  socket.onmessage = ({ data }) => {
    const bytes = Buffer.from(data);
    const channel = bytes[0];
    if (channel === CHANNEL.stdout || channel === CHANNEL.stderr || channel === CHANNEL.status) {
      shown[channel] += bytes.subarray(1).toString();
    }
  };
  await opened.promise;
  return {
    stdout: () => shown[CHANNEL.stdout],
    stderr: () => shown[CHANNEL.stderr],
    write: (text) => send(CHANNEL.stdin, text),
    resize: ({ width, height }) =>
      send(CHANNEL.size, JSON.stringify({ Width: width, Height: height })),
    leave: () => socket.terminate(),
    ended: ended.promise,
  };
}

/** Of the status object of Kubernetes' API that comes last. */
function exitCode(text: string): number | undefined {
  if (text === "") return undefined;
  const { status, details } = JSON.parse(text);
  if (status === "Success") return 0;
  const cause = details?.causes?.find(({ reason }: { reason: string }) => reason === "ExitCode");
  if (cause === undefined) throw new Error(text);
  return Number(cause.message);
}
