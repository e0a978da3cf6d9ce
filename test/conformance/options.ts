// The command line of the conformance run: what can be asked for, and the usage text.

import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";

const usage = `Usage: bun test/conformance/run.ts [--runtime=PATH] [--only=NAME,...] [--vm] [--write]

Runs the validation programs of OCI runtime-tools against a runtime, as root.

  --runtime=PATH   the runtime (default: build/runt)
  --only=NAME,...  these programs only
  --vm             expect what expected-vm.json says before what expected.json says
  --write          write test/conformance/expected.json anew from this run, keeping the reasons
  --help           this text

The results of runt are compared with expected.json, and any difference fails, a better result too.
Those of another runtime are only reported. What is built stays in build/conformance/, and so does
what the programs print: build/conformance/output/RUNTIME/.
`;

export interface Options {
  /** Absolute path of the runtime, or its bare name where PATH has it. */
  runtime: string;
  /** Whether the results are held against expected.json: only runt's are. */
  isOurs: boolean;
  only: readonly string[];
  /** Whether this is the virtual machine of test/vm, where some results are others. */
  vm: boolean;
  write: boolean;
}

/** Reads the options; prints the usage and exits where that is what was asked for. */
export function options(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runtime: { type: "string", default: "build/runt" },
      only: { type: "string" },
      vm: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const runtime = Bun.which(values.runtime) ?? resolve(values.runtime);
  return {
    runtime,
    isOurs: basename(runtime) === "runt",
    only: values.only?.split(",") ?? [],
    vm: values.vm,
    write: values.write,
  };
}
