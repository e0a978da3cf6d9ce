// Runs a classic BPF program on a struct seccomp_data as the kernel does, and prints one. It
// refuses what the kernel refuses (seccomp_check_filter in kernel/seccomp.c, bpf_check_classic in
// net/core/filter.c).

/** struct seccomp_data of linux/seccomp.h. */
export interface SeccompData {
  nr: number;
  arch: number;
  args: readonly bigint[];
}

interface Instruction {
  code: number;
  jt: number;
  jf: number;
  k: number;
}

/** How a program has answered. */
export interface BpfRun {
  /** SECCOMP_RET_* and its data. */
  action: number;
  /** Instructions that it took. */
  steps: number;
}

/** SECCOMP_RET_* and its data that the program answers with. */
export function runBpf(program: Uint8Array, data: SeccompData): number {
  return bpfMachine(program)(data).action;
}

/** A program that can be run many times. */
export function bpfMachine(program: Uint8Array): (data: SeccompData) => BpfRun {
  const instructions = instructionsOf(program);
  return (data) => interpret(instructions, memoryOf(data));
}

function interpret(instructions: readonly Instruction[], memory: DataView): BpfRun {
  let accumulator = 0;
  let steps = 0;
  for (let at = 0; ; ) {
    steps += 1;
    const instruction = instructions[at];
    if (instruction === undefined) throw new Error(`ran past the end, to instruction ${at}`);
    const { code, jt, jf, k } = instruction;
    at += 1;
    switch (code) {
      case 0x20:
        accumulator = memory.getUint32(k, true);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05:
        at += k;
        break;
      case 0x15:
        at += accumulator === k ? jt : jf;
        break;
      case 0x25:
        at += accumulator > k ? jt : jf;
        break;
      case 0x35:
        at += accumulator >= k ? jt : jf;
        break;
      case 0x45:
        at += (accumulator & k) !== 0 ? jt : jf;
        break;
      case 0x06:
        return { action: k, steps };
      default:
        throw new Error(`instruction 0x${code.toString(16)} at ${at - 1}`);
    }
  }
}

/** Throws if the kernel would not load the program. */
export function checkBpf(program: Uint8Array): void {
  const instructions = instructionsOf(program);
  const length = instructions.length;
  if (length === 0 || length > 4096) throw new Error(`${length} instructions`);
  for (const [at, { code, jt, jf, k }] of instructions.entries()) {
    const isJump = [0x15, 0x25, 0x35, 0x45].includes(code);
    if (isJump && at + 1 + Math.max(jt, jf) >= length)
      throw new Error(`jump past the end at ${at}`);
    if (code === 0x05 && at + 1 + k >= length) throw new Error(`jump past the end at ${at}`);
    if (code === 0x20 && (k % 4 !== 0 || k >= 64)) throw new Error(`load of ${k} at ${at}`);
  }
  if (instructions.at(-1)?.code !== 0x06) throw new Error("the last instruction is no return");
}

/** The program as text, a line an instruction, jumps to line numbers. */
export function disassemble(program: Uint8Array): string {
  return instructionsOf(program)
    .map((instruction, at) => `${String(at).padStart(3)} ${text(instruction, at + 1)}\n`)
    .join("");
}

function text({ code, jt, jf, k }: Instruction, next: number): string {
  const hex = `0x${k.toString(16)}`;
  const jumps = `${next + jt} else ${next + jf}`;
  switch (code) {
    case 0x20:
      return `ld [${k}]`;
    case 0x54:
      return `and ${hex}`;
    case 0x05:
      return `ja ${next + k}`;
    case 0x15:
      return `jeq ${hex} ${jumps}`;
    case 0x25:
      return `jgt ${hex} ${jumps}`;
    case 0x35:
      return `jge ${hex} ${jumps}`;
    case 0x45:
      return `jset ${hex} ${jumps}`;
    case 0x06:
      return `ret ${hex}`;
    default:
      return `0x${code.toString(16)} ${hex}`;
  }
}

function instructionsOf(program: Uint8Array): Instruction[] {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const instructions: Instruction[] = [];
  for (let at = 0; at < program.byteLength; at += 8) {
    instructions.push({
      code: view.getUint16(at, true),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, true),
    });
  }
  return instructions;
}

function memoryOf({ nr, arch, args }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, nr, true);
  view.setUint32(4, arch, true);
  for (const [index, arg] of args.entries()) view.setBigUint64(16 + 8 * index, arg, true);
  return view;
}
