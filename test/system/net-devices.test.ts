// Network devices that move into the container. The caller stands in a network namespace of the
// test's own, so that the machine's devices and addresses stay as they are.

import * as assert from "uvu/assert";
import {
  bundle,
  defaultMounts,
  defaultNamespaces,
  type Json,
  type Patch,
} from "../support/bundle.ts";
import { inside, run, withContainer } from "../support/container.ts";
import { type TestNetwork, withNetwork } from "../support/network.ts";
import { refusesBundle } from "../support/refusal.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

/** What `ip -json` says of a device, as far as tests look at it. */
interface Device {
  ifname: string;
  mtu: number;
  address: string;
  flags: string[];
  txqlen?: number;
  addr_info: {
    local: string;
    prefixlen: number;
    label?: string;
    broadcast?: string;
    scope: string;
  }[];
}

function device(network: TestNetwork, name: string): Device | undefined {
  const devices: Device[] = JSON.parse(network.does("ip", "-json", "address"));
  return devices.find(({ ifname }) => ifname === name);
}

/** A pair of devices: `name` is for a container, its peer holds the carrier. */
function addDevice({ does }: TestNetwork, name: string): void {
  does("ip", "link", "add", name, "type", "veth", "peer", "name", `${name}-peer`);
  does("ip", "link", "set", `${name}-peer`, "up");
}

function addressesOf(found: Device | undefined): string[] {
  return (found?.addr_info ?? [])
    .filter(({ scope }) => scope === "global")
    .map(({ local, prefixlen, label }) => `${local}/${prefixlen}${label ? ` ${label}` : ""}`);
}

function gives(netDevices: Json, more: Patch = {}): Patch {
  return { linux: { netDevices, ...more } };
}

const joins = ({ path }: TestNetwork): Patch => ({
  namespaces: [
    ...defaultNamespaces.filter((one) => !JSON.stringify(one).includes("network")),
    { type: "network", path },
  ],
});

test("a device moves with its name, addresses, hardware address and mtu, and is up", async () => {
  await withNetwork(async (host) => {
    addDevice(host, "ve1");
    host.does("ip", "link", "set", "ve1", "mtu", "1420", "address", "02:11:22:33:44:55");
    host.does("ip", "link", "set", "ve1", "txqueuelen", "77");
    host.does("ip", "address", "add", "10.9.1.2/24", "broadcast", "10.9.1.255", "dev", "ve1");
    host.does("ip", "address", "add", "10.9.1.3/24", "dev", "ve1", "label", "ve1:more");
    host.does("ip", "address", "add", "10.9.9.9/32", "dev", "ve1", "label", "other");
    host.does("ip", "address", "add", "169.254.3.4/16", "scope", "link", "dev", "ve1");
    host.does(
      "ip",
      "address",
      "add",
      "10.9.1.7/24",
      "dev",
      "ve1",
      "valid_lft",
      "900",
      "preferred_lft",
      "900",
    );
    host.does("ip", "address", "add", "fd00:9::2/64", "dev", "ve1", "nodad");
    host.does(
      "ip",
      "address",
      "add",
      "fd00:9::3/64",
      "dev",
      "ve1",
      "valid_lft",
      "900",
      "preferred_lft",
      "900",
    );
    await withContainer(
      gives({ ve1: {} }),
      async ({ state }) => {
        assert.is(device(host, "ve1"), undefined);
        const { pid } = await state();
        const network: TestNetwork = { ...host, does: (...words) => ran(pid, words) };
        const moved = device(network, "ve1");
        assert.is(moved?.mtu, 1420);
        assert.is(moved?.address, "02:11:22:33:44:55");
        assert.is(moved?.txqlen, 77);
        assert.ok(moved?.flags.includes("UP"));
        assert.ok(moved?.flags.includes("LOWER_UP"));
        assert.equal(addressesOf(moved), [
          "10.9.1.2/24 ve1",
          "10.9.9.9/32 other",
          "10.9.1.3/24 ve1:more",
          "fd00:9::2/64",
        ]);
        assert.is(moved?.addr_info[0]?.broadcast, "10.9.1.255");
      },
      { through: host.through },
    );
  });
  shows("linux.netDevices", "linux.netDevices.addresses", "linux.netDevices.up");
});

test("a device is renamed, by a template too, and its addresses with it", async () => {
  await withNetwork(async (host) => {
    for (const name of ["ve1", "ve2", "ve3"]) addDevice(host, name);
    host.does("ip", "address", "add", "10.9.1.2/24", "dev", "ve1", "label", "ve1:x");
    host.does("ip", "address", "add", "10.9.2.2/24", "dev", "ve2");
    const patch = gives(
      { ve1: { name: "net0.100" }, ve2: { name: "net%d" }, ve3: { name: "net%d" } },
      {
        sysctl: {
          "net/ipv4/conf/net0.100/log_martians": "1",
          "net.ipv4.conf.net0.arp_ignore": "1",
        },
      },
    );
    await withContainer(
      patch,
      async ({ state }) => {
        const { pid } = await state();
        const network: TestNetwork = { ...host, does: (...words) => ran(pid, words) };
        assert.equal(addressesOf(device(network, "net0.100")), ["10.9.1.2/24 net0.100:x"]);
        assert.equal(addressesOf(device(network, "net0")), ["10.9.2.2/24 net0"]);
        assert.ok(device(network, "net1"));
        const files = ["net0.100/log_martians", "net0/arp_ignore", "net1/arp_ignore"];
        const values = files.map((file) => network.does("cat", `/proc/sys/net/ipv4/conf/${file}`));
        assert.equal(values, ["1\n", "1\n", "0\n"]);
      },
      { through: host.through },
    );
  });
  shows("linux.netDevices.template");
});

test("a device is there for the hooks of the container and for its program", async () => {
  await withNetwork(async (host) => {
    addDevice(host, "ve1");
    host.does("ip", "address", "add", "10.9.1.2/24", "dev", "ve1");
    const hook = ["sh", "-c", "test -e /proc/sys/net/ipv4/conf/eth0"];
    const patch = {
      ...gives({ ve1: { name: "eth0" } }),
      hooks: { createContainer: [{ path: "/bin/sh", args: hook, env: ["PATH=/bin:/usr/bin"] }] },
    };
    assert.match(
      await inside("ifconfig eth0", patch, { through: host.through }),
      /addr:10\.9\.1\.2 /,
    );
  });
});

test("a device moves into a namespace that is joined, and stays there after delete", async () => {
  await withNetwork(async (host) => {
    await withNetwork(async (other) => {
      addDevice(host, "ve1");
      addDevice(other, "eth0");
      host.does("ip", "address", "add", "10.9.1.2/24", "dev", "ve1");
      const patch = gives({ ve1: { name: "eth%d" } }, joins(other));
      await withContainer(patch, async () => {}, { through: host.through });
      assert.is(device(host, "ve1"), undefined);
      const moved = device(other, "eth1");
      assert.equal(addressesOf(moved), ["10.9.1.2/24 eth1"]);
      assert.ok(moved?.flags.includes("UP"));
    });
  });
  shows("linux.netDevices.not-managed", "linux.netDevices.not-moved-back");
});

test("a container in a user namespace gets devices, also in a joined network", async () => {
  const ids = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const user = { uidMappings: ids, gidMappings: ids };
  await withNetwork(async (host) => {
    await withNetwork(async (other) => {
      for (const name of ["ve1", "ve2"]) addDevice(host, name);
      host.does("ip", "address", "add", "10.9.1.2/24", "dev", "ve1");
      const { through } = host;
      const namespaces = [...defaultNamespaces, { type: "user" }];
      const own = gives({ ve1: { name: "eth0" } }, { ...user, namespaces });
      assert.match(await inside("ifconfig eth0", own, { through }), /addr:10\.9\.1\.2 /);
      const joined = gives(
        { ve2: { name: "eth0" } },
        {
          ...user,
          namespaces: [...Object.values(joins(other)["namespaces"] ?? []), { type: "user" }],
        },
      );
      // Who does not own the network may not mount its sysfs.
      const mounts = defaultMounts.slice(0, 4);
      assert.match(await inside("ifconfig eth0", { ...joined, mounts }, { through }), /UP/);
      assert.ok(device(other, "eth0"));
    });
  });
});

test("when create fails the devices are back as they were", async () => {
  if (foreignRuntime) return;
  await withNetwork(async (host) => {
    for (const name of ["ve1", "ve2"]) addDevice(host, name);
    host.does("ip", "link", "set", "ve1", "up");
    host.does("ip", "address", "add", "10.9.1.2/24", "dev", "ve1", "label", "ve1:x");
    host.does("ip", "address", "add", "fd00:9::2/64", "dev", "ve1", "nodad");
    host.does("ip", "address", "add", "10.9.2.2/24", "dev", "ve2");
    const before = [device(host, "ve1"), device(host, "ve2")];
    const devices = { ve1: { name: "eth0" }, ve2: { name: "eth%d" } };
    const failing: [Patch, RegExp][] = [
      [{ process: { args: ["/no/such/program"] } }, /no such program|no such file|not found/],
      [{ hooks: { createRuntime: [{ path: "/bin/false" }] } }, /createRuntime/],
      [{ linux: { sysctl: { "net.ipv4.conf.eth0.forwarding": "x" } } }, /eth0/],
    ];
    for (const [patch, pattern] of failing) {
      const linux = { ...(gives(devices)["linux"] as Patch), ...((patch["linux"] as Patch) ?? {}) };
      await refusesBundle(bundle({ ...patch, linux }), pattern, { through: host.through });
      const after = [device(host, "ve1"), device(host, "ve2")];
      for (const [index, one] of after.entries()) {
        const old = before[index];
        assert.equal(addressesOf(one), addressesOf(old));
        assert.is(one?.flags.includes("UP"), old?.flags.includes("UP"));
        assert.is(one?.address, old?.address);
      }
    }
  });
});

test("a device that cannot be moved is an error, and those before it come back", async () => {
  if (foreignRuntime) return;
  await withNetwork(async (host) => {
    addDevice(host, "ve1");
    host.does("ip", "link", "add", "br0", "type", "bridge");
    host.does("ip", "address", "add", "10.9.1.2/24", "dev", "ve1");
    const { through } = host;
    for (const [devices, pattern] of [
      [{ ve1: { name: "eth0" }, br0: {} }, /net-device\.move.*br0.*immutable.*invalid argument/i],
      [{ ve1: { name: "eth0" }, none: {} }, /there is no network device none/],
      [{ ve1: { name: "lo" } }, /already has a device lo/],
    ] as [Json, RegExp][]) {
      await refusesBundle(bundle(gives(devices)), pattern, { through });
      assert.equal(addressesOf(device(host, "ve1")), ["10.9.1.2/24 ve1"]);
    }
  });
  shows("linux.netDevices.check", "linux.netDevices.name-taken");
});

test("devices need a network namespace that is not the caller's, and names that fit", async () => {
  const without = joins({ path: "/proc/self/ns/net", through: [], does: () => "" });
  const none = { namespaces: [{ type: "mount" }, { type: "uts" }] };
  for (const [devices, more, pattern] of [
    [{ ve1: {} }, none, /\/linux\/netDevices: .*add .*network/],
    [{ ve1: {} }, without, /\/linux\/netDevices: the container joins/],
    [{ ve1: { name: "a/b" } }, {}, /\/linux\/netDevices\/ve1\/name/],
    [{ ve1: { name: "a b" } }, {}, /\/linux\/netDevices\/ve1\/name/],
    [{ ve1: { name: "a:b" } }, {}, /\/linux\/netDevices\/ve1\/name/],
    [{ ve1: { name: ".." } }, {}, /\/linux\/netDevices\/ve1\/name/],
    [{ ve1: { name: "0123456789abcdef" } }, {}, /\/linux\/netDevices\/ve1\/name/],
    [{ ve1: { name: "éééééééé" } }, {}, /\/linux\/netDevices\/ve1\/name: .*16 bytes/],
    [{ ve1: { name: "a%s" } }, {}, /\/linux\/netDevices\/ve1\/name: .*one %d/],
    [{ ve1: { name: "e" }, ve2: { name: "e" } }, {}, /\/linux\/netDevices\/ve2\/name: .*again/],
    [{ "a/b": {} }, {}, /\/linux\/netDevices/],
  ] as [Json, Patch, RegExp][]) {
    const { code, stderr } = await run({ hostname: undefined, ...gives(devices, more) });
    assert.is(code, 1);
    if (!foreignRuntime) assert.match(stderr, pattern);
  }
});

function ran(pid: number, words: readonly string[]): string {
  const command = ["nsenter", `--net=/proc/${pid}/ns/net`, ...words];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}: ${stderr}`);
  return `${stdout}`;
}

runTests();
