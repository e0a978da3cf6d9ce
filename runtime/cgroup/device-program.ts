// Device rules as an eBPF program (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE): what cgroup v2 has instead of
// v1's devices.allow and devices.deny. It gives the verdicts of v1's list (security/device_cgroup.c).

/** v1's own model: everything or nothing is allowed, but for some entries. */
export interface DeviceList {
  everything: boolean;
  exceptions: readonly DeviceEntry[];
}

export interface DeviceEntry {
  type: "b" | "c";
  /** A number, or "*". */
  major: string;
  minor: string;
  /** Some of r, w and m. */
  access: string;
}

/** BPF_DEVCG_DEV_* and BPF_DEVCG_ACC_* of linux/bpf.h. */
const TYPES = { b: 1, c: 2 } as const;
const ACCESS: readonly (readonly [letter: string, bit: number])[] = [
  ["m", 1],
  ["r", 2],
  ["w", 4],
];
const EVERY_ACCESS = 7;

/** Opcodes: class, size or source, and operation (Documentation/bpf/standardization). */
const LOAD_WORD = 0x61;
const MOVE = 0xb7;
const MOVE_REGISTER = 0xbf;
const AND = 0x57;
const SHIFT_RIGHT = 0x77;
const JUMP_IF_EQUAL = 0x15;
const JUMP_UNLESS_EQUAL = 0x55;
const EXIT = 0x95;

/** r0 is the verdict; r1 comes with the address of struct bpf_cgroup_dev_ctx, and is free then. */
const [VERDICT, SCRATCH, TYPE, WANTED, MAJOR, MINOR] = [0, 1, 2, 3, 4, 5];

interface Instruction {
  opcode: number;
  to: number;
  from?: number;
  offset?: number;
  value?: number;
}

/** Eight bytes an instruction, as the kernel takes them. */
export function deviceProgram(list: DeviceList): Buffer {
  const instructions: Instruction[] = [
    { opcode: LOAD_WORD, to: TYPE, from: SCRATCH, offset: 0 },
    { opcode: MOVE_REGISTER, to: WANTED, from: TYPE },
    { opcode: AND, to: TYPE, value: 0xffff },
    { opcode: SHIFT_RIGHT, to: WANTED, value: 16 },
    { opcode: LOAD_WORD, to: MAJOR, from: SCRATCH, offset: 4 },
    { opcode: LOAD_WORD, to: MINOR, from: SCRATCH, offset: 8 },
    ...list.exceptions.flatMap((entry) => exception(entry, list.everything)),
    ...verdict(list.everything),
  ];
  return encode(instructions);
}

/** The opposite verdict for what the entry matches; past it otherwise. */
function exception(entry: DeviceEntry, everything: boolean): Instruction[] {
  const { type, major, minor } = entry;
  const tests: Instruction[] = [
    { opcode: JUMP_UNLESS_EQUAL, to: TYPE, value: TYPES[type] },
    ...accessTest(bitsOf(entry.access), everything),
    ...(major === "*" ? [] : [{ opcode: JUMP_UNLESS_EQUAL, to: MAJOR, value: Number(major) }]),
    ...(minor === "*" ? [] : [{ opcode: JUMP_UNLESS_EQUAL, to: MINOR, value: Number(minor) }]),
  ];
  const all = [...tests, ...verdict(!everything)];
  return all.map((one, index) => {
    const isJump = one.opcode === JUMP_UNLESS_EQUAL || one.opcode === JUMP_IF_EQUAL;
    return isJump ? { ...one, offset: all.length - index - 1 } : one;
  });
}

/** To allow, one entry has to grant all that is wanted; to deny, any part of it is enough. */
function accessTest(bits: number, everything: boolean): Instruction[] {
  const copy = { opcode: MOVE_REGISTER, to: SCRATCH, from: WANTED };
  if (everything) {
    const part = { opcode: AND, to: SCRATCH, value: bits };
    return [copy, part, { opcode: JUMP_IF_EQUAL, to: SCRATCH, value: 0 }];
  }
  if (bits === EVERY_ACCESS) return [];
  const rest = { opcode: AND, to: SCRATCH, value: EVERY_ACCESS & ~bits };
  return [copy, rest, { opcode: JUMP_UNLESS_EQUAL, to: SCRATCH, value: 0 }];
}

function bitsOf(access: string): number {
  return ACCESS.reduce((bits, [letter, bit]) => (access.includes(letter) ? bits | bit : bits), 0);
}

function verdict(allowed: boolean): Instruction[] {
  return [
    { opcode: MOVE, to: VERDICT, value: allowed ? 1 : 0 },
    { opcode: EXIT, to: 0 },
  ];
}

function encode(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [index, { opcode, to, from = 0, offset = 0, value = 0 }] of instructions.entries()) {
    bytes.writeUInt8(opcode, index * 8);
    bytes.writeUInt8((from << 4) | to, index * 8 + 1);
    bytes.writeInt16LE(offset, index * 8 + 2);
    bytes.writeInt32LE(value, index * 8 + 4);
  }
  return bytes;
}
