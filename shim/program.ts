// The executable's first lines. It is two programs, which share their memory then; their launchers
// say which, since the name that a program is called by does not get through a read-only mount.

const [, , name, ...words] = process.argv;

if (name === "containerd-shim-runt-v2") {
  const { main }: typeof import("./main.ts") = require("./main.ts");
  main(words);
} else {
  require("../runtime/main.ts");
}
