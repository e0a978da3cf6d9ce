// An image out of the machine's own busybox. One file is both what `docker save` writes and an OCI
// layout, so `podman load`, `docker load` and `ctr images import` take the same.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshDirectory } from "../room.ts";
import { newRootfs } from "../rootfs.ts";

/** The name that the image bears wherever it is loaded. */
export const imageName = "localhost/runt-test:latest";

/** An image of the same content. */
export interface ImageOptions {
  name: string;
  /** What it runs when nothing else is said. */
  program: readonly string[];
}

/**
 * Makes the image. It has all of busybox in /bin, the users root and tester (1000), and
 * - /bin/not-executable: a script that nobody may execute
 * - /bin/is-healthy: succeeds when there is a /tmp/healthy
 *
 * @returns path of the file
 */
export function makeImage(
  { name, program }: ImageOptions = { name: imageName, program: ["sh"] },
): string {
  const folder = freshDirectory();
  const blobs = join(folder, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (content: string | Uint8Array): Blob => {
    const hex = new Bun.CryptoHasher("sha256").update(content).digest("hex");
    writeFileSync(join(blobs, hex), content);
    return { digest: `sha256:${hex}`, size: content.length, path: `blobs/sha256/${hex}` };
  };

  const layer = put(tar(filledRootfs()));
  const config = put(imageConfig(program, layer.digest));
  const manifest = put(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...described(config) },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...described(layer) }],
    }),
  );
  writeFileSync(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(folder, "index.json"), layoutIndex(name, manifest));
  writeFileSync(
    join(folder, "manifest.json"),
    JSON.stringify([{ Config: config.path, RepoTags: [name], Layers: [layer.path] }]),
  );
  const file = `${folder}.tar`;
  writeFileSync(file, tar(folder));
  return file;
}

/** Something that is called by what it contains. */
interface Blob {
  digest: string;
  size: number;
  path: string;
}

function described({ digest, size }: Blob): { digest: string; size: number } {
  return { digest, size };
}

function filledRootfs(): string {
  const rootfs = newRootfs();
  const inside = (path: string): string => join(rootfs, path);
  const applets = Bun.spawnSync(["/bin/busybox", "--list"]).stdout.toString().split("\n");
  const there = Bun.spawnSync(["ls", inside("bin")])
    .stdout.toString()
    .split("\n");
  for (const name of applets) {
    if (!there.includes(name)) symlinkSync("busybox", inside(`bin/${name}`));
  }
  mkdirSync(inside("home/tester"), { recursive: true });
  mkdirSync(inside("root"));
  const users = ["root:x:0:0:root:/root:/bin/sh", "tester:x:1000:1000::/home/tester:/bin/sh"];
  writeFileSync(inside("etc/passwd"), `${users.join("\n")}\n`);
  writeFileSync(inside("etc/group"), "root:x:0:\ntester:x:1000:\nextra:x:2000:tester\n");
  writeFileSync(inside("bin/not-executable"), "#!/bin/sh\n", { mode: 0o644 });
  writeFileSync(inside("bin/is-healthy"), "#!/bin/sh\ntest -e /tmp/healthy\n", { mode: 0o755 });
  return rootfs;
}

function imageConfig(program: readonly string[], diffId: string): string {
  return JSON.stringify({
    created: "2024-01-01T00:00:00Z",
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Env: ["PATH=/usr/bin:/bin"], Cmd: program, WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created: "2024-01-01T00:00:00Z", created_by: "the tests" }],
  });
}

function layoutIndex(name: string, manifest: Blob): string {
  const annotations = {
    "io.containerd.image.name": name,
    "org.opencontainers.image.ref.name": "latest",
  };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  return JSON.stringify({
    schemaVersion: 2,
    manifests: [{ mediaType, ...described(manifest), annotations }],
  });
}

/** An archive of a folder's content, which belongs to root in it. */
function tar(folder: string): Uint8Array {
  const flags = ["--sort=name", "--numeric-owner", "--owner=0", "--group=0", "--mtime=@0"];
  const names = Bun.spawnSync(["ls", "-A", folder]).stdout.toString().trim().split("\n");
  const { exitCode, stdout, stderr } = Bun.spawnSync([
    "tar",
    "--create",
    `--directory=${folder}`,
    ...flags,
    ...names,
  ]);
  if (exitCode !== 0) throw new Error(`tar: ${stderr}`);
  return stdout;
}
