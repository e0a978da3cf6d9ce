import { test } from "uvu";
import * as assert from "uvu/assert";
import { deviceList } from "../../../runtime/cgroup/controllers/devices.ts";
import { type DeviceEntry, deviceProgram } from "../../../runtime/cgroup/device-program.ts";
import type { DeviceRule } from "../../../runtime/config/types.gen.ts";
import { type Random, randomFrom } from "../../support/random.ts";

interface Access {
  type: "b" | "c";
  major: number;
  minor: number;
  /** BPF_DEVCG_ACC_*: 1 mknod, 2 read, 4 write. */
  wanted: number;
}

const LETTERS = { m: 1, r: 2, w: 4 } as const;

test("a program gives the verdicts of the list that v1's files would hold", () => {
  const random = randomFrom(1);
  for (let round = 0; round < 2_000; round++) {
    const devices = Array.from({ length: random.below(8) }, () => ruleFrom(random));
    const rules = V1List.of(devices);
    const program = deviceProgram(deviceList({ devices }));
    for (let probe = 0; probe < 50; probe++) {
      const access = accessFrom(random);
      assert.is(
        run(program, access),
        rules.allows(access),
        `${JSON.stringify(devices)} for ${JSON.stringify(access)}`,
      );
    }
  }
});

test("without rules what every container may use is all that is allowed", () => {
  const program = deviceProgram(deviceList({}));
  const verdict = (type: "b" | "c", major: number, minor: number, wanted: number): boolean =>
    run(program, { type, major, minor, wanted });
  assert.ok(verdict("c", 1, 3, 6));
  assert.ok(verdict("c", 136, 17, 6));
  assert.ok(verdict("b", 8, 0, 1));
  assert.not(verdict("b", 8, 0, 2));
  assert.not(verdict("c", 10, 229, 2));
});

test("an entry of a device grows, and a part of it can be taken back", () => {
  const rule = (allow: boolean, access: string): DeviceRule => ({
    allow,
    type: "c",
    major: 240,
    minor: 1,
    access,
  });
  const program = deviceProgram(
    deviceList({ devices: [rule(true, "r"), rule(true, "w"), rule(false, "r")] }),
  );
  const verdict = (wanted: number): boolean =>
    run(program, { type: "c", major: 240, minor: 1, wanted });
  assert.equal([verdict(2), verdict(4), verdict(6)], [false, true, false]);
});

test.run();

/** The lists of security/device_cgroup.c, as plainly as they can be written. */
class V1List {
  everything = false;
  entries = new Map<string, number>();

  static of(devices: readonly DeviceRule[]): V1List {
    const list = new V1List();
    for (const rule of devices) list.apply(rule);
    if (!list.everything) for (const entry of deviceList({}).exceptions) list.grant(entry, true);
    return list;
  }

  apply(rule: DeviceRule): void {
    const [major, minor] = [rule.major ?? -1, rule.minor ?? -1].map(
      (one) => `${one < 0 ? "*" : one}`,
    );
    const access = rule.access ?? "rwm";
    const isAll = (rule.type ?? "a") === "a" && major === "*" && minor === "*";
    if (isAll && [..."rwm"].every((letter) => access.includes(letter))) {
      this.everything = rule.allow;
      this.entries.clear();
      return;
    }
    const types =
      (rule.type ?? "a") === "a" ? (["c", "b"] as const) : [rule.type === "b" ? "b" : "c"];
    for (const type of types) {
      this.grant(
        { type: type === "b" ? "b" : "c", major: major ?? "*", minor: minor ?? "*", access },
        rule.allow,
      );
    }
  }

  grant({ type, major, minor, access }: DeviceEntry, allow: boolean): void {
    const key = `${type} ${major} ${minor}`;
    const bits = [...access].reduce((all, letter) => all | bitOf(letter), 0);
    const old = this.entries.get(key) ?? 0;
    this.entries.set(key, allow === this.everything ? old & ~bits : old | bits);
  }

  allows({ type, major, minor, wanted }: Access): boolean {
    for (const [key, bits] of this.entries) {
      const [ofType, ofMajor, ofMinor] = key.split(" ");
      const isSame =
        ofType === type &&
        (ofMajor === "*" || Number(ofMajor) === major) &&
        (ofMinor === "*" || Number(ofMinor) === minor);
      if (!isSame || bits === 0) continue;
      if (this.everything ? (wanted & bits) !== 0 : (wanted & ~bits) === 0) return !this.everything;
    }
    return this.everything;
  }
}

function bitOf(letter: string): number {
  return letter === "m" || letter === "r" || letter === "w" ? LETTERS[letter] : 0;
}

function ruleFrom(random: Random): DeviceRule {
  const some = (values: readonly number[]): { value?: number } =>
    random.below(3) === 0 ? {} : { value: random.pick(values) };
  const major = some([1, 5, 8, -1]).value;
  const minor = some([0, 1, 3, -1]).value;
  return {
    allow: random.below(2) === 0,
    ...(random.below(4) > 0 && { type: random.pick(["a", "b", "c"] as const) }),
    ...(major !== undefined && { major }),
    ...(minor !== undefined && { minor }),
    ...(random.below(4) > 0 && { access: random.pick(["r", "w", "m", "rw", "rm", "wm", "rwm"]) }),
  };
}

function accessFrom(random: Random): Access {
  return {
    type: random.pick(["b", "c"] as const),
    major: random.pick([1, 5, 8, 9, 136]),
    minor: random.pick([0, 1, 2, 3, 9]),
    wanted: random.pick([1, 2, 4, 3, 6, 7]),
  };
}

/** An interpreter of the instructions that the programs use. */
function run(program: Buffer, { type, major, minor, wanted }: Access): boolean {
  const words = [(wanted << 16) | (type === "b" ? 1 : 2), major, minor];
  const registers = new Array<number>(6).fill(0);
  for (let index = 0; ; index++) {
    const opcode = program.readUInt8(index * 8);
    const [to, from] = [
      program.readUInt8(index * 8 + 1) & 15,
      program.readUInt8(index * 8 + 1) >> 4,
    ];
    const [offset, value] = [
      program.readInt16LE(index * 8 + 2),
      program.readInt32LE(index * 8 + 4),
    ];
    const left = registers[to] ?? 0;
    if (opcode === 0x95) return registers[0] === 1;
    if (opcode === 0x61) registers[to] = words[offset / 4] ?? 0;
    else if (opcode === 0xb7) registers[to] = value;
    else if (opcode === 0xbf) registers[to] = registers[from] ?? 0;
    else if (opcode === 0x57) registers[to] = left & value;
    else if (opcode === 0x77) registers[to] = left >>> value;
    else if (opcode === 0x15) index += left === value ? offset : 0;
    else if (opcode === 0x55) index += left === value ? 0 : offset;
    else throw new Error(`unknown instruction 0x${opcode.toString(16)}`);
  }
}
