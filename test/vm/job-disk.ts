// The second disk: the program under test and the tests, as they are now.

import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where the virtual machine mounts the disk. */
const mounted = "/job";

/** What tests are made of, below the project. */
const needed = [
  "package.json",
  "tsconfig.json",
  "runtime",
  "shim",
  "test",
  "bundles",
  "node_modules/bun/bin/bun.exe",
  ...["uvu", "dequal", "diff", "kleur", "mri"].map((name) => `node_modules/${name}`),
];

/**
 * Makes an image of an ext4 file system with all of it.
 *
 * @param image path of the image
 * @param programs of the conformance suite, which are to be there too
 * @throws Error with the words of mke2fs(8) where it fails
 */
export function makeJobDisk(image: string, programs: readonly string[]): void {
  const project = join(import.meta.dirname, "../..");
  const folder = `${image}.d`;
  rmSync(folder, { recursive: true, force: true });
  try {
    mkdirSync(folder, { recursive: true });
    const suite = ["version", "work", "bin/runtimetest", ...programs.map((name) => `bin/${name}`)];
    const built = programs.length > 0 ? suite.map((path) => `build/conformance/${path}`) : [];
    for (const path of [...needed, "build/libexec", ...built]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      cpSync(join(project, path), join(folder, path), { recursive: true });
    }
    const launcher = readFileSync(join(project, "runtime/launcher.sh"), "utf8");
    const shim = "containerd-shim-runt-v2";
    for (const [name, words] of Object.entries({ runt: "", [shim]: `${shim} ` })) {
      const path = join(folder, "build", name);
      const text = launcher.replace("@LIBEXEC@", join(mounted, "build/libexec"));
      writeFileSync(path, text.replace("@PROGRAM@", words));
      chmodSync(path, 0o755);
    }
    rmSync(image, { force: true });
    const command = [
      "mke2fs",
      "-q",
      "-t",
      "ext4",
      "-O",
      "^has_journal",
      "-d",
      folder,
      image,
      `${400 + 5 * programs.length}M`,
    ];
    const { exitCode, stderr } = Bun.spawnSync(command);
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}\n${stderr}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
